internal import ArgumentParser
internal import CommandLineTool
internal import Operations
internal import Peers

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List the transfers of this user's couriers.",
        discussion:
            "The last \(TransferHistory.kept) are kept, with their receipts: `courier receipt show NUMBER` prints one."
    )

    @Option(help: ArgumentHelp("How many, the latest ones.", valueName: "count"))
    var limit = 20

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard (1...TransferHistory.kept).contains(limit) else {
            throw ValidationError("--limit \(limit): must be 1–\(TransferHistory.kept)")
        }
    }

    private struct Item: Encodable {
        let number: Int64
        let time: String
        let direction: String
        let peer: String
        let peerName: String?
        let name: String
        let entries: Int
        let bytes: Int64
        let seconds: Double
        let failed: Int
        let hasReceipt: Bool

        enum CodingKeys: String, CodingKey {
            case number, time, direction, peer, name, entries, bytes, seconds, failed
            case peerName = "peer_name"
            case hasReceipt = "has_receipt"
        }
    }

    func run() async throws {
        let rows = try TransferHistory().latest(limit)
        let names = Dictionary(
            try Contacts.book().peers().map { ("\($0.endpointID)", $0.name) },
            uniquingKeysWith: { first, _ in first }
        )
        if shared.json {
            return try CommandOutput.put(
                json: rows.map { row in
                    Item(
                        number: row.number,
                        time: "\(row.time)",
                        direction: row.isSent ? "sent" : "received",
                        peer: row.peer,
                        peerName: names[row.peer],
                        name: row.name,
                        entries: row.entries,
                        bytes: row.bytes,
                        seconds: row.seconds,
                        failed: row.failed,
                        hasReceipt: row.hasReceipt
                    )
                }
            )
        }
        guard !rows.isEmpty else { return CourierCommand.say("no transfers yet") }
        let table = TextTable(
            columns: [
                .init("No.", isNumeric: true), .init("Time"), .init(""), .init("Peer"),
                .init("Size", isNumeric: true), .init("Result"), .init("Name"),
            ],
            rows: rows.map { row in
                let more = row.entries > 1 ? " and \(row.entries - 1) more" : ""
                return [
                    "\(row.number)", row.time.readable, row.isSent ? "to" : "from",
                    names[row.peer] ?? "\(row.peer.prefix(12))…", Quantity.bytes(Double(row.bytes)),
                    row.failed > 0 ? "\(row.failed) failed" : row.hasReceipt ? "receipt" : "there already",
                    LogText.plain(row.name) + more,
                ]
            }
        )
        CommandOutput.put(table.text)
    }
}
