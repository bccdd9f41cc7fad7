package import GRDB
internal import Pairing
internal import Storage

/// The server's SQLite file: the paired peers, and what each peer has used.
package enum ReflectorDatabase {
    package static let fileName = "reflector.sqlite"

    /// Opens the database, or creates it. A write that collides with another process's fails at once as busy; the
    /// caller waits with `BusyDatabase`.
    package static func open(inFolder folder: String) throws -> DatabaseQueue {
        try StateDatabase.open(folder + "/" + fileName, waiting: .byRetrying) { migrator in
            migrator.registerMigration("1: peers and tests") { database in
                // Times are Unix milliseconds.
                try database.execute(
                    sql: PeerStore.schema + """
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
        }
    }
}
