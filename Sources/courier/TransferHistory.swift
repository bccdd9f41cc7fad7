internal import CommandLineTool
internal import FileTransferNode
internal import GRDB
internal import Operations
internal import Storage
internal import UserState

/// The transfers of this user, and their receipts: a SQLite file in the folder that the user's tools share.
struct TransferHistory {
    /// The latest that are kept.
    static let kept = 1_000
    /// Bytes of the latest receipts that are kept: peers choose the names in them.
    private static let keptReceiptBytes = 64 << 20

    struct Row {
        let number: Int64
        let time: Timestamp
        let isSent: Bool
        let peer: String
        let name: String
        let entries: Int
        let bytes: Int64
        let seconds: Double
        let failed: Int
        let hasReceipt: Bool
    }

    private let database: DatabaseQueue

    init() throws {
        let path = try UserFolder.opened().path + "/courier-history.sqlite"
        database = try StateDatabase.open(path, waiting: .inPlace) { migrator in
            migrator.registerMigration("1: transfers") { database in
                // Times are Unix microseconds.
                try database.execute(
                    sql: """
                        CREATE TABLE transfer (
                            number INTEGER PRIMARY KEY AUTOINCREMENT,
                            time INTEGER NOT NULL,
                            is_sent INTEGER NOT NULL,
                            peer TEXT NOT NULL,
                            name TEXT NOT NULL,
                            entries INTEGER NOT NULL,
                            bytes INTEGER NOT NULL,
                            seconds REAL NOT NULL,
                            failed INTEGER NOT NULL,
                            receipt TEXT
                        ) STRICT;
                        """
                )
            }
            migrator.registerMigration("2: lengths of receipts") { database in
                // LENGTH would read all receipts at each transfer. It is null in the rows of an older courier.
                try database.execute(
                    sql: """
                        ALTER TABLE transfer ADD COLUMN receipt_bytes INTEGER;
                        UPDATE transfer SET receipt_bytes = LENGTH(receipt) WHERE receipt IS NOT NULL;
                        """
                )
            }
        }
    }

    /// Keeps a transfer. If that fails, it tells the user, and the transfer stands all the same.
    static func keep(_ result: TransferOutcome, isSent: Bool, seconds: Double) {
        do { try TransferHistory().add(result, isSent: isSent, seconds: seconds) } catch {
            CourierCommand.say("the transfer is not in the history: \(error)")
        }
    }

    private func add(_ result: TransferOutcome, isSent: Bool, seconds: Double) throws {
        let failed = result.entries.count { if case .failed = $0.outcome { true } else { false } }
        let bytes = result.entries.reduce(UInt64(0)) { $0 &+ $1.bytes }
        let receipt = result.receipt.map { ReceiptDocument($0, result.receiptFiles).text }
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO transfer (time, is_sent, peer, name, entries, bytes, seconds, failed, receipt, receipt_bytes)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Timestamp.now.microseconds, isSent ? 1 : 0, "\(result.peer)", result.entries.first?.path ?? "",
                    result.entries.count, Int64(clamping: bytes), seconds, failed, receipt,
                    receipt?.utf8.count,
                ]
            )
            try database.execute(
                sql: "DELETE FROM transfer WHERE number <= (SELECT MAX(number) FROM transfer) - ?",
                arguments: [Self.kept]
            )
            try database.execute(
                sql: """
                    UPDATE transfer SET receipt = NULL, receipt_bytes = NULL WHERE receipt IS NOT NULL AND number IN (
                        SELECT number FROM (
                            SELECT number, SUM(COALESCE(receipt_bytes, LENGTH(receipt))) OVER (ORDER BY number DESC)
                                AS bytes FROM transfer
                        ) WHERE bytes > ?
                    )
                    """,
                arguments: [Self.keptReceiptBytes]
            )
        }
    }

    /// The latest ones, the oldest first.
    func latest(_ count: Int) throws -> [Row] {
        try database.read { database in
            try GRDB.Row.fetchAll(
                database,
                sql: """
                    SELECT number, time, is_sent, peer, name, entries, bytes, seconds, failed, receipt IS NOT NULL AS has_receipt
                    FROM transfer ORDER BY number DESC LIMIT ?
                    """,
                arguments: [count]
            ).reversed().map { row in
                Row(
                    number: row["number"],
                    time: Timestamp(microseconds: row["time"]),
                    isSent: row["is_sent"] == 1,
                    peer: row["peer"],
                    name: row["name"],
                    entries: row["entries"],
                    bytes: row["bytes"],
                    seconds: row["seconds"],
                    failed: row["failed"],
                    hasReceipt: row["has_receipt"] == 1
                )
            }
        }
    }

    /// The receipt of a transfer; nil if there is no such transfer, or it has none.
    func receipt(of number: Int64) throws -> String? {
        try database.read {
            try String.fetchOne($0, sql: "SELECT receipt FROM transfer WHERE number = ?", arguments: [number])
        }
    }
}
