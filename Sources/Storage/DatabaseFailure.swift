internal import GRDB

/// Describes a failure of SQLite and its remedy; SQLite's own text contains statements.
package enum DatabaseFailure {
    /// nil for any other error.
    package static func describe(_ error: any Error) -> String? {
        guard let error = error as? DatabaseError else { return nil }
        let cause =
            switch error.resultCode.primaryResultCode {
            case .SQLITE_FULL: "the disk is full; free space there"
            case .SQLITE_IOERR: "the disk is full or reports errors; free space there or check the kernel log (dmesg)"
            case .SQLITE_READONLY, .SQLITE_PERM:
                "it is not writable; correct its owner and mode, or choose another folder"
            case .SQLITE_CANTOPEN: "it cannot be opened; correct the folder's owner and mode, or choose another folder"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "another process has locked it; try again when that process has ended"
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                "it is damaged; restore it from a backup, or move it away to start with an empty one"
            default: error.message ?? "SQLite error \(error.resultCode.rawValue)"
            }
        return "the database in the state folder: \(cause)"
    }
}
