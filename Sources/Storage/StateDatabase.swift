internal import Files
package import GRDB
internal import Glibc
internal import Synchronization
internal import SystemErrors

/// A SQLite file in the state folder of a tool.
///
/// Write-ahead log with a full sync for every commit: what was acknowledged survives a kill and a power cut.
package enum StateDatabase {
    /// What waits while another process writes.
    package enum Waiting: Sendable {
        /// SQLite, which blocks the thread, for 5 s at most.
        case inPlace
        /// The caller, with ``BusyDatabase``, without blocking a thread; only opening blocks, for 5 s at most.
        case byRetrying
    }

    /// How often a locked file is tried, each time after ``pause``: 5 s.
    private static let tries = 500
    /// Microseconds.
    private static let pause: UInt32 = 10_000

    /// Opens the database, or creates it with mode 0600, and migrates its tables.
    ///
    /// Refuses a symbolic link, and a file that another user owns or may write: its content decides who may do what.
    /// One process at a time opens a database in the folder, because SQLite does not wait for another process that
    /// also turns a new file to its write-ahead log, nor GRDB for one that also creates the tables.
    ///
    /// - Throws: ``StateDatabaseError`` if the file cannot be used, GRDB's `DatabaseError` otherwise.
    package static func open(
        _ path: String,
        waiting: Waiting,
        _ migrate: (inout DatabaseMigrator) -> Void
    ) throws -> DatabaseQueue {
        let lock = try lockFolder(of: path)
        defer { lock.release() }
        try prepareFile(path)
        var configuration = Configuration()
        configuration.journalMode = .wal
        let isOpen = Mutex(false)
        configuration.busyMode = .callback { count in
            guard count < tries, waiting == .inPlace || !isOpen.withLock({ $0 }) else { return false }
            usleep(pause)
            return true
        }
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrate(&migrator)
        try migrator.migrate(database)
        isOpen.withLock { $0 = true }
        return database
    }

    /// Locks the folder, not the file: closing any descriptor of the file would drop SQLite's own locks on it.
    private static func lockFolder(of path: String) throws(StateDatabaseError) -> FileLock {
        do throws(FileLock.Failure) {
            return try FileLock(folder: StateFiles.folder(of: path) ?? ".", tries: tries)
        } catch {
            switch error {
            case .isHeld:
                throw StateDatabaseError(
                    path: path,
                    reason: "another process keeps its folder locked",
                    remedy: "try again when that process has ended"
                )
            case .unusable(let reason): throw StateDatabaseError(path: path, reason: reason.reason)
            }
        }
    }

    /// Creates the file if it is missing, and checks it.
    private static func prepareFile(_ path: String) throws(StateDatabaseError) {
        let status: FileStatus
        do throws(SystemError) {
            do throws(SystemError) {
                // Made here with its mode, because SQLite would follow the umask; its journals inherit this mode.
                _ = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
            } catch  where error.code == EEXIST {}
            // Not opened: closing it would drop the locks that another connection of this process has.
            status = try FileStatus.ofLink(at: path)
        } catch { throw StateDatabaseError(path: path, reason: error.reason) }
        if let flaw = flaw(of: status) { throw StateDatabaseError(path: path, reason: flaw) }
    }

    private static func flaw(of status: FileStatus) -> String? {
        if status.kind != .file { return "it is not a regular file" }
        if status.owner != geteuid(), status.owner != 0 { return "it belongs to user ID \(status.owner)" }
        if status.mode & 0o022 != 0 {
            return "its mode, 0\(String(status.mode, radix: 8)), lets group or others write it; run chmod 600"
        }
        return nil
    }
}

/// The state folder's database cannot be used.
package struct StateDatabaseError: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var remedy = "the state folder and its files must belong to the user who runs this, and be writable"

    package var description: String { "cannot open \(path): \(reason); \(remedy)" }
}
