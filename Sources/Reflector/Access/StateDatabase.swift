package import GRDB
import Glibc

/// The server's SQLite file: who is paired, what each peer used.
///
/// Write-ahead log with a full sync for every commit: what was acknowledged survives a kill and a power cut.
package enum StateDatabase {
    package static let fileName = "reflector.sqlite"

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
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try migrator.migrate(database)
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
