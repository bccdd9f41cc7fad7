internal import GRDB
internal import LinkMeasurement

/// What each peer has used, in SQLite. Times are Unix milliseconds.
struct AccountStore: Sendable {
    /// How long a test stays in the accounts: the longest window, and a day more.
    static let retention: Int64 = 2 * SessionPolicy.millisecondsPerDay

    let database: DatabaseQueue

    /// Calls `decide` with the peer's usage and, if it does not throw, records the test, all in one transaction.
    func begin(
        testID: String,
        peer: String,
        type: TestType,
        now: Int64,
        running: Set<String>,
        decide: (PeerUsage) throws(SessionDeny) -> Int
    ) throws -> Int {
        try database.write { database in
            try database.execute(sql: "DELETE FROM test WHERE started_at < ?", arguments: [now - Self.retention])
            let usage = try Self.usage(of: peer, now: now, running: running, in: database)
            let charged = try decide(usage)
            try database.execute(
                sql: "INSERT INTO test (test_id, peer_id, test_type, started_at, bytes) VALUES (?, ?, ?, ?, ?)",
                arguments: [testID, peer, type.rawValue, now, charged]
            )
            return charged
        }
    }

    /// Charges at most `bytes` more to a running test, bounded by what is left of its day; returns what was charged.
    func charge(testID: String, peer: String, bytes: Int, limit: Int, now: Int64) throws -> Int {
        try database.write { database in
            // A test that started before midnight stays within the budget of the day it started on.
            let began = try Int64.fetchOne(
                database,
                sql: "SELECT started_at FROM test WHERE test_id = ?",
                arguments: [testID]
            )
            let day = Self.midnight(min(now, began ?? now))
            let used = try Self.bytes(of: peer, since: day, in: database)
            let granted = max(0, min(bytes, limit - used))
            try database.execute(
                sql: "UPDATE test SET bytes = bytes + ? WHERE test_id = ?",
                arguments: [granted, testID]
            )
            return granted
        }
    }

    /// Settles a test with the bytes that it really moved.
    func finish(testID: String, bytes: Int, now: Int64) throws {
        try database.write { database in
            try database.execute(
                sql: "UPDATE test SET bytes = ?, ended_at = ? WHERE test_id = ?",
                arguments: [bytes, now, testID]
            )
        }
    }

    /// Removes a test that never started.
    func cancel(testID: String) throws {
        try database.write { database in
            try database.execute(sql: "DELETE FROM test WHERE test_id = ?", arguments: [testID])
        }
    }

    /// Ends the tests that a killed server left running. Bytes charged ahead stay charged: nothing is lost, and at most
    /// one installment too much is counted.
    func closeAbandoned(now: Int64) throws -> [String] {
        try database.write { database in
            let open = try String.fetchAll(database, sql: "SELECT test_id FROM test WHERE ended_at IS NULL")
            try database.execute(sql: "UPDATE test SET ended_at = ? WHERE ended_at IS NULL", arguments: [now])
            return open
        }
    }

    func today(of peer: String, now: Int64) throws -> (tests: Int, bytes: Int) {
        try database.read { database in
            let tests = try Int.fetchOne(
                database,
                sql: "SELECT count(*) FROM test WHERE peer_id = ? AND started_at >= ?",
                arguments: [peer, Self.midnight(now)]
            )
            return (tests ?? 0, try Self.bytesToday(of: peer, now: now, in: database))
        }
    }

    private static func midnight(_ now: Int64) -> Int64 {
        now - now % SessionPolicy.millisecondsPerDay
    }

    private static func bytesToday(of peer: String, now: Int64, in database: Database) throws -> Int {
        try bytes(of: peer, since: midnight(now), in: database)
    }

    private static func bytes(of peer: String, since start: Int64, in database: Database) throws -> Int {
        try Int.fetchOne(
            database,
            sql: "SELECT coalesce(sum(bytes), 0) FROM test WHERE peer_id = ? AND started_at >= ?",
            arguments: [peer, start]
        ) ?? 0
    }

    private static func usage(of peer: String, now: Int64, running: Set<String>, in database: Database) throws
        -> PeerUsage
    {
        PeerUsage(
            startsWithinHour: try Int64.fetchAll(
                database,
                sql: "SELECT started_at FROM test WHERE peer_id = ? AND started_at > ? ORDER BY started_at",
                arguments: [peer, now - SessionPolicy.millisecondsPerHour]
            ),
            lastEnd: try Int64.fetchOne(
                database,
                sql: "SELECT max(ended_at) FROM test WHERE peer_id = ?",
                arguments: [peer]
            ),
            bytesToday: try bytesToday(of: peer, now: now, in: database),
            bytesHeld: try bytesHeld(by: running, of: peer, now: now, in: database),
            runningTests: running.count
        )
    }

    /// Only of tests that really run: one whose end could not be written holds nothing.
    private static func bytesHeld(
        by running: Set<String>,
        of peer: String,
        now: Int64,
        in database: Database
    ) throws -> Int {
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT test_id, bytes FROM test WHERE peer_id = ? AND started_at >= ? AND ended_at IS NULL",
            arguments: [peer, midnight(now)]
        )
        return rows.reduce(0) { held, row in running.contains(row["test_id"]) ? held + row["bytes"] : held }
    }
}
