package import GRDB
internal import Pairing
internal import Storage

/// The server's SQLite file: who is paired, what each peer used.
package enum ReflectorDatabase {
    package static let fileName = "reflector.sqlite"

    /// Opens the database, or makes it. A write that meets another process's is refused at once as busy: who asks waits as
    /// `BusyDatabase` has it.
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
