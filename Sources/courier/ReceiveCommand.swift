internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Glibc
internal import Identity
internal import Operations
internal import PacketIO
internal import Peers

struct ReceiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Receive files: print a ticket for their sender, or use the sender's.",
        discussion: """
            With the ticket that `courier send FILE` prints, this connects to it and ends after the transfer. Without one it \
            prints a ticket, for `courier send FILE TICKET` on the other machine. That ticket is good for any number of transfers, one after the other, until this ends.

            What was cut is continued when its sender sends it again. Files that are there with the size and time of the \
            sender's are skipped. Other files are never replaced unless --on-conflict says so.

            Trusted peers (`courier peer trust`) are not asked about.
            """
    )

    @Argument(help: ArgumentHelp("The ticket that `courier send FILE` printed.", valueName: "ticket"))
    var ticket: String?

    @Option(
        help: ArgumentHelp(
            "Where files go; - writes the content of one transfer's files to standard output.",
            valueName: "folder"
        )
    )
    var to = "."

    @Option(
        help: ArgumentHelp(
            "The address to receive on: a port of all interfaces, or an address and a port.",
            valueName: "address"
        )
    )
    var listen = "0.0.0.0:0"

    @Flag(help: "Show the ticket as a QR code, too.")
    var qr = false

    @Flag(help: "Accept without asking.")
    var yes = false

    @Flag(help: "End after one transfer.")
    var once = false

    @Option(
        help: ArgumentHelp(
            "If a file's name is taken: ask, rename (\"NAME (2)\"), overwrite, skip or refuse. Without a terminal, ask refuses.",
            valueName: "what"
        )
    )
    var onConflict = "ask"

    @Flag(help: "Hash what an earlier transfer left again, even if this machine has not been restarted since.")
    var rehash = false

    @Flag(help: "Have every file on the disk before it counts as received.")
    var durable = false

    @Flag(
        help: ArgumentHelp(
            "End when standard input ends. `courier send … user@host:path` uses it.",
            visibility: .hidden
        )
    )
    var untilInputEnds = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        _ = try ListenOption.parse(listen)
        _ = try sender()
        if onConflict != "ask", ConflictPolicy(rawValue: onConflict) == nil {
            throw ValidationError("--on-conflict \(onConflict): must be ask, rename, overwrite, skip or refuse")
        }
    }

    /// The ticket of a sender that waits.
    private func sender() throws -> Ticket? {
        guard let ticket else { return nil }
        do throws(TicketError) { return try Ticket(parsing: ticket) } catch {
            throw ValidationError("\(ticket.prefix(40)): \(error)")
        }
    }

    func run() async throws {
        guard to == "-" else {
            try ReceivingFolder.create(to)
            return try await receive(into: to, isOutput: false)
        }
        let folder = try TemporaryFolder()
        let path = folder.path
        defer { withExtendedLifetime(folder) {} }
        try await receive(into: path, isOutput: true)
    }

    /// - Parameter isOutput: whether the content of the files goes to standard output, and nothing else.
    private func receive(into folder: String, isOutput: Bool) async throws {
        let address = try ListenOption.parse(listen)
        let identity = try shared.identity()
        let wakeUp = try WakeUp()
        let isInteractive = isatty(0) == 1 && !untilInputEnds
        let watch = untilInputEnds ? try WorkThread("input") { Self.signalAtEndOfInput(wakeUp) } : nil
        defer { withExtendedLifetime(watch) {} }
        guard yes || isInteractive else {
            throw ValidationError(
                "standard input is not a terminal, so there is no one to ask; accept with --yes, or receive from trusted peers "
                    + "with `courier serve`"
            )
        }
        var options = DiskSink.Options()
        options.isDurable = durable
        options.rehashes = rehash
        options.looksForConflicts = onConflict == "ask" && isInteractive
        if let sender = try sender() {
            let options = options
            return try await report(wakeUp, isOutput) { question, meter in
                try FileFetching.receive(
                    from: PeerContact(sender),
                    into: folder,
                    options: options,
                    identity: identity,
                    wakeUp: wakeUp,
                    decide: { question.ask($0) },
                    progress: { meter.show($0) }
                )
            }
        }
        let receiving = try FileReceiving(address, into: folder, options: options, identity: identity)
        let ticket = receiving.ticket(hosts: LocalHosts.all()).text
        if isOutput { CourierCommand.say(ticket) } else { CommandOutput.line(ticket) }
        if qr { TicketCode.show(ticket) }
        if once || isOutput {
            return try await report(wakeUp, isOutput) { question, meter in
                try receiving.receive(wakeUp: wakeUp, decide: { question.ask($0) }, progress: { meter.show($0) })
            }
        }
        let form: TransferReport.Form = shared.json ? .json : .lines
        let question = question
        try await Blocking.run("receive", cancelingWith: wakeUp) {
            var board = TransferBoard()
            defer { board.clear() }
            try receiving.run(
                wakeUp: wakeUp,
                ask: BlockingQuestion.asking { question.ask($0) },
                each: { number, event in
                    board.take(number, event, form: form)
                    return true
                }
            )
        }
    }

    private var question: ReceiveQuestion {
        let yes = yes
        return ReceiveQuestion(
            accepts: { peer in yes || (try? Contacts.book().permits(.sendFiles, to: peer)) ?? false },
            conflicts: ConflictPolicy(rawValue: onConflict)
        )
    }

    private static func signalAtEndOfInput(_ wakeUp: WakeUp) {
        var byte: UInt8 = 0
        // One byte into a variable of that size.
        while true {
            let count = unsafe read(0, &byte, 1)
            if count == 0 || count < 0 && errno != EINTR { break }
        }
        wakeUp.signal()
    }

    /// Receives one transfer, and prints what arrived.
    private func report(
        _ wakeUp: WakeUp,
        _ isOutput: Bool,
        _ receive: @escaping @Sendable (ReceiveQuestion, TransferMeter) throws -> TransferOutcome
    ) async throws {
        let question = question
        let meter = TransferMeter()
        defer { meter.clear() }
        let result = try await Blocking.run("receive", cancelingWith: wakeUp) { try receive(question, meter) }
        meter.clear()
        if isOutput { try FileOutput.put(result) }
        try TransferReport.put(
            result,
            isSent: false,
            seconds: meter.seconds,
            form: isOutput ? .none : shared.json ? .json : .lines
        )
    }
}
