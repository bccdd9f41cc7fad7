internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Operations
internal import PacketIO

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send files to a courier that receives."
    )

    @Argument(help: ArgumentHelp("Files, then the ticket that `courier receive` prints.", valueName: "file… ticket"))
    var words: [String]

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard words.count >= 2 else {
            throw ValidationError(
                "give at least one file and the ticket that `courier receive` prints on the other machine"
            )
        }
    }

    func run() async throws {
        let ticket: Ticket
        do throws(TicketError) { ticket = try Ticket(parsing: words[words.count - 1]) } catch {
            throw ValidationError("\(words[words.count - 1].prefix(40)): \(error)")
        }
        let paths = Array(words.dropLast())
        let identity = try shared.identity()
        let wakeUp = try WakeUp()
        let meter = TransferMeter()
        let result = try await Blocking.run("send", cancelingWith: wakeUp) {
            try FileSending.send(paths, to: ticket, identity: identity, wakeUp: wakeUp) { meter.show($0) }
        }
        meter.clear()
        try TransferReport.put(result, seconds: meter.seconds, json: shared.json)
    }
}
