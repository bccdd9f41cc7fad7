internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Files
internal import Glibc
internal import Identity
internal import Operations
internal import PacketIO

struct ReceiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Print a ticket, and receive the files that are sent with it.",
        discussion: "The ticket is good for any number of transfers, one after the other, until this ends."
    )

    @Option(help: ArgumentHelp("Where files go.", valueName: "folder"))
    var to = "."

    @Option(
        help: ArgumentHelp(
            "The address to receive on: a port of all interfaces, or an address and a port.",
            valueName: "address"
        )
    )
    var listen = "0.0.0.0:0"

    @Flag(help: "Accept without asking.")
    var yes = false

    @Flag(help: "End after one transfer.")
    var once = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if InternetAddress(listen) == nil {
            throw ValidationError("--listen \(listen): not an address and a port, such as 0.0.0.0:4900 or [::]:4900")
        }
    }

    func run() async throws {
        guard let address = InternetAddress(listen) else { return }
        let identity = try shared.identity()
        do throws(FileError) {
            try StateFiles.createFolder(to)
        } catch { throw TransferError(.local, "--to \(error)") }
        let wakeUp = try WakeUp()
        let isInteractive = isatty(0) == 1
        guard yes || isInteractive else {
            throw ValidationError("standard input is not a terminal, so there is no one to ask; accept with --yes")
        }
        let receiving = try FileReceiving(address, into: to, identity: identity)
        let ticket = receiving.ticket(hosts: LocalHosts.all())
        CommandOutput.line(ticket.text)
        while true {
            do {
                try await receiveOne(receiving, wakeUp)
                if once { return }
            } catch let error as TransferError where !once {
                CourierCommand.say(LogText.plain(error.description))
            }
        }
    }

    private func receiveOne(_ receiving: FileReceiving, _ wakeUp: WakeUp) async throws {
        let folder = to
        let accepts = yes
        let meter = TransferMeter()
        defer { meter.clear() }
        let result = try await Blocking.run("receive", cancelingWith: wakeUp) {
            try receiving.receive(
                wakeUp: wakeUp,
                decide: { accepts ? nil : Self.ask($0, folder) },
                progress: { meter.show($0) }
            )
        }
        meter.clear()
        try TransferReport.put(result, seconds: meter.seconds, json: shared.json)
    }

    /// Nil if the user agrees.
    private static func ask(_ offer: FileReceiving.Offer, _ folder: String) -> String? {
        let name = LogText.plain(String(decoding: offer.name, as: UTF8.self))
        let what = offer.entries == 1 ? name : "\(offer.entries) files, the first \(name),"
        StandardErrorLog.write(
            Array(
                "Accept transfer of \(what) (\(Quantity.bytes(Double(offer.bytes)))) from \(offer.peer)? [y/N] ".utf8
            ),
            to: 2
        )
        let answer = readLine()?.lowercased() ?? ""
        return answer == "y" || answer == "yes" ? nil : "its user does not want it"
    }
}
