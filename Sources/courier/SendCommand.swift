internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Operations
internal import PacketIO

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send files and folders to a courier that receives.",
        discussion: """
            A transfer that was cut is continued by sending the same again: only what is missing moves.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Files and folders, then the ticket that `courier receive` prints.",
            valueName: "path… ticket"
        )
    )
    var words: [String]

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard words.count >= 2 else {
            throw ValidationError(
                "give at least one file or folder and the ticket that `courier receive` prints on the other machine"
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
        let values = shared.valuesFolder
        let wakeUp = try WakeUp()
        let meter = TransferMeter()
        let result = try await Blocking.run("send", cancelingWith: wakeUp) {
            try FileSending.send(
                paths,
                to: ticket,
                keepingValuesIn: values,
                identity: identity,
                wakeUp: wakeUp
            ) { meter.show($0) }
        }
        meter.clear()
        try TransferReport.put(result, seconds: meter.seconds, json: shared.json)
    }
}
