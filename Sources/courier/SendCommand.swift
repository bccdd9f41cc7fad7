internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import FoundationEssentials
internal import Identity
internal import Operations
internal import PacketIO
internal import Peers

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send files and folders.",
        discussion: """
            To a courier that receives, with the ticket that it prints. Or the other way round: without a receiver this prints a \
            ticket, and waits for `courier receive TICKET` on the other machine:
              courier send FILE FOLDER

            To a machine that you reach by ssh, as with scp (courier must be installed there):
              courier send FILE FOLDER user@host:path

            To a machine that runs `courier serve` and trusts this one, by its name (`courier peer add`) or its address:
              courier send FILE laptop
              courier send FILE PP-…@192.0.2.1:4900

            A transfer that was cut is continued by sending the same again: only what is missing moves.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Files and folders, then the receiver: the ticket that `courier receive` prints, a peer's name, ID@HOST:PORT or user@host:path.",
            valueName: "path… [to]"
        )
    )
    var words: [String] = []

    @Option(help: ArgumentHelp("The ssh command for user@host:path, with its options.", valueName: "command"))
    var ssh = "ssh"

    @Option(help: ArgumentHelp("The courier on that host.", valueName: "program"))
    var remoteCourier = "courier"

    @Option(
        help: ArgumentHelp(
            "For user@host:path, if a file's name is taken: rename, overwrite, skip or refuse.",
            valueName: "what"
        )
    )
    var onConflict = "refuse"

    @Option(
        help: ArgumentHelp(
            "How the rate follows the path: cubic, the default, as TCP does, or bbr, for paths that lose packets without being full, such as radio.",
            valueName: "algorithm"
        )
    )
    var congestion: String?

    @Option(
        help: ArgumentHelp(
            "Without a receiver, the address to wait on: a port of all interfaces, or an address and a port.",
            valueName: "address"
        )
    )
    var listen = "0.0.0.0:0"

    @Option(
        help: ArgumentHelp(
            "Leave out what has this name in a folder; * and ? stand for any characters. With a slash it is the path inside of the folder. May be repeated.",
            valueName: "pattern"
        )
    )
    var exclude: [String] = []

    @Option(
        help: ArgumentHelp("Send at most at this rate, such as 20M: bits a second, with K, M or G.", valueName: "rate")
    )
    var limitRate: String?

    @Option(help: ArgumentHelp("Send this text as a file, --name.", valueName: "text"))
    var text: String?

    @Option(help: ArgumentHelp("The name of --text, or of standard input, which is sent as -.", valueName: "name"))
    var name: String?

    @Flag(help: "Without a receiver, show the ticket as a QR code, too.")
    var qr = false

    @Flag(help: "Say at the end what the time was spent with, and what is known of the path.")
    var explain = false

    @Flag(help: "List what would be sent, and send nothing.")
    var dryRun = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard let last = words.last ?? text else { throw ValidationError("give at least one file or folder") }
        if !words.isEmpty { _ = try Receiver(parsing: last) }
        for pattern in exclude where NamePattern(pattern) == nil {
            throw ValidationError("--exclude \(pattern): the pattern is empty")
        }
        if let limitRate, BitRate(limitRate) == nil {
            throw ValidationError(
                "--limit-rate \(limitRate): must be a number of bits a second from 10K on, such as 20M or 1.5G"
            )
        }
        if let name, name.isEmpty || name.contains("/") || name == "." || name == ".." || name.utf8.contains(0) {
            throw ValidationError("--name \(name): not a file's name")
        }
        if name != nil, text == nil, !words.contains("-") {
            throw ValidationError("--name is for --text, and for - as standard input")
        }
        if words.filter({ $0 == "-" }).count + (text == nil ? 0 : 1) > 1 {
            throw ValidationError("give --text or -, and once")
        }
        _ = try ListenOption.parse(listen)
        if let congestion, CongestionControl.Algorithm(rawValue: congestion) == nil {
            throw ValidationError("--congestion \(congestion): must be cubic or bbr")
        }
        if ConflictPolicy(rawValue: onConflict) == nil {
            throw ValidationError("--on-conflict \(onConflict): must be rename, overwrite, skip or refuse")
        }
    }

    func run() async throws {
        var options = SendOptions()
        options.valuesFolder = shared.valuesFolder
        let configuration = try shared.configuration()
        options.congestion =
            congestion.flatMap { CongestionControl.Algorithm(rawValue: $0) } ?? configuration.congestion
        options.excluded = exclude.compactMap { NamePattern($0) }
        options.rateLimit = (limitRate.flatMap { BitRate($0) } ?? configuration.rateLimit)?.bitsPerSecond
        let receiver = try receiver()
        var paths = receiver == nil ? words : Array(words.dropLast())
        var input: SpooledInput?
        if paths.contains("-") || text != nil {
            let spooled = try SpooledInput.make(name: name ?? (text == nil ? "stdin" : "text"), text: text)
            paths = paths.filter { $0 != "-" } + [spooled.path]
            input = consume spooled
        }
        // Removed when all is over.
        defer { _ = input.take() }
        guard !paths.isEmpty else { throw ValidationError("give at least one file or folder before \(words[0])") }
        if dryRun { return try DryRun.put(paths, options, json: shared.json) }
        let identity = try shared.identity(configuration)
        guard let receiver else { return try await offer(paths, options, identity) }
        let (remote, contact) = try reach(receiver)
        try await report { [options, paths] wakeUp, meter in
            try FileSending.send(
                paths,
                to: contact,
                options: options,
                identity: identity,
                wakeUp: wakeUp
            ) { meter.show($0) }
        }
        // It has told this side what became of the files.
        _ = remote?.exitCode()
    }

    /// Prints a ticket, and sends to the first receiver that gets all.
    private func offer(_ paths: [String], _ options: SendOptions, _ identity: IdentityKey) async throws {
        let address = try ListenOption.parse(listen)
        let offering = try FileOffering(paths, at: address, options: options, identity: identity)
        let ticket = offering.ticket(hosts: LocalHosts.all()).text
        CommandOutput.line(ticket)
        if qr { TicketCode.show(ticket) }
        while true {
            do {
                return try await report { wakeUp, meter in
                    try offering.send(wakeUp: wakeUp) { meter.show($0) }
                }
            } catch let error as TransferError where error.kind == .network {
                // It continues when it comes again.
                CourierCommand.say(LogText.plain("\(error.description). The ticket is still good"))
            }
        }
    }

    /// Sends, and prints what arrived.
    private func report(_ send: @escaping @Sendable (WakeUp, TransferMeter) throws -> TransferOutcome) async throws {
        let wakeUp = try WakeUp()
        let meter = TransferMeter()
        defer { meter.clear() }
        let result = try await Blocking.run("send", cancelingWith: wakeUp) { try send(wakeUp, meter) }
        meter.clear()
        if explain { for line in meter.explanation { CourierCommand.say(line) } }
        try TransferReport.put(result, isSent: true, seconds: meter.seconds, form: shared.json ? .json : .lines)
    }

    /// The receiver that the last word names; nil if it is a file, too.
    private func receiver() throws -> Receiver? {
        guard let last = words.last, last != "-" else { return nil }
        let receiver = try Receiver(parsing: last)
        guard case .name(let name) = receiver else { return receiver }
        // A peer's name comes before a file's.
        if words.count > 1 || text != nil, try Contacts.book().peers().contains(where: { $0.name == name }) {
            return receiver
        }
        if FileManager.default.fileExists(atPath: name) || words.count == 1 && text == nil { return nil }
        return receiver
    }

    /// How to reach the receiver, and the ssh that runs it, if this side starts it.
    private func reach(_ receiver: Receiver) throws -> (TerminalChild?, PeerContact) {
        guard case .remote(let remote) = receiver else { return (nil, try receiver.contact()) }
        let command = ssh.split(separator: " ").map(String.init)
        let (child, ticket) = try remote.start(ssh: command, courier: remoteCourier, onConflict: onConflict)
        return (child, PeerContact(ticket))
    }
}
