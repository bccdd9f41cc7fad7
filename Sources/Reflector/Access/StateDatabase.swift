package import GRDB
import Glibc
internal import Synchronization

/// The server's SQLite file: who is paired, what each peer used.
///
/// Write-ahead log with a full sync for every commit: what was acknowledged survives a kill and a power cut.
package enum StateDatabase {
    package static let fileName = "reflector.sqlite"

    /// How often opening looks again for a file that another process holds, each time after ``openingPause``: 5 s.
    private static let openingTries = 500
    private static let openingPause: UInt32 = 10_000

    /// Opens the database, or makes it. A write that meets another process's is refused at once as busy: who asks waits as
    /// ``BusyDatabase`` has it, and holds no thread meanwhile. Opening itself blocks for 5 s at most.
    package static func open(inFolder folder: String) throws -> DatabaseQueue {
        let path = folder + "/" + fileName
        // Made here with its mode, because SQLite would follow the umask; its journals inherit this mode.
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StateDatabaseError(path: path, reason: unsafe String(cString: strerror(errno)))
        }
        close(descriptor)
        var configuration = Configuration()
        configuration.journalMode = .wal
        let isOpen = Mutex(false)
        configuration.busyMode = .callback { tries in
            guard !isOpen.withLock({ $0 }), tries < openingTries else { return false }
            usleep(openingPause)
            return true
        }
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try migrator.migrate(database)
        isOpen.withLock { $0 = true }
        return database
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: peers and tests") { database in
            // Times are Unix milliseconds.
            try database.execute(
                sql: """
                    CREATE TABLE peer (
                        endpoint_id TEXT PRIMARY KEY NOT NULL,
                        label TEXT,
                        paired_at INTEGER NOT NULL,
                        paired_from TEXT
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE test (
                        test_id TEXT PRIMARY KEY NOT NULL,
                        peer_id TEXT NOT NULL,
                        test_type TEXT NOT NULL,
                        started_at INTEGER NOT NULL,
                        ended_at INTEGER,
                        bytes INTEGER NOT NULL DEFAULT 0
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX test_by_peer ON test (peer_id, started_at);
                    """
            )
        }
        return migrator
    }
}

/// The state folder's database cannot be used.
package struct StateDatabaseError: Error, CustomStringConvertible {
    let path: String
    let reason: String

    package var description: String {
        "cannot open \(path): \(reason); the state folder and what is in it must belong to the user who runs this, and be writable"
    }
}
