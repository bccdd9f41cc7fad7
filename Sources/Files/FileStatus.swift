package import Glibc
package import SystemErrors

/// The part of stat(2) that this package needs.
package struct FileStatus: Equatable, Sendable {
    package enum Kind: Equatable, Sendable { case file, folder, symbolicLink, socket, other }

    package var kind: Kind
    /// Permission bits only, for example 0o600.
    package var mode: mode_t
    package var owner: uid_t
    package var size: Int64
    package var device: UInt64
    package var inode: UInt64
    package var links: UInt64
    /// When the content last changed, in seconds since 1970.
    package var modified: Int
    /// The part of that below a second.
    package var modifiedNanoseconds: UInt32
    /// When content, name or permissions last changed, in seconds since 1970. No program can set it.
    package var changed: Int
    package var changedNanoseconds: UInt32

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            default: .other
            }
        mode = status.st_mode & 0o7777
        owner = status.st_uid
        size = Int64(status.st_size)
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        links = UInt64(status.st_nlink)
        modified = status.st_mtim.tv_sec
        modifiedNanoseconds = UInt32(status.st_mtim.tv_nsec)
        changed = status.st_ctim.tv_sec
        changedNanoseconds = UInt32(status.st_ctim.tv_nsec)
    }

    /// Whether both are the same file on the same device.
    package func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }

    /// Whether a folder exists there, or a symbolic link to one.
    static func isFolder(_ path: String) -> Bool {
        // With the dot, lstat follows the last part.
        (try? ofLink(at: path + "/."))?.kind == .folder
    }

    /// lstat(2): describes a symbolic link itself.
    @inline(never)
    package static func ofLink(at path: String) throws(SystemError) -> FileStatus {
        try Descriptor.refuseZero(in: path, call: "lstat")
        var result = stat()
        // The bridged string and the structure live for the call.
        let failed = unsafe lstat(path, &result) != 0
        let code = errno
        if failed { throw SystemError(call: "lstat", path: path, code: code) }
        return FileStatus(result)
    }

    /// stat(2): describes what a symbolic link points to.
    @inline(never)
    package static func following(_ path: String) throws(SystemError) -> FileStatus {
        try Descriptor.refuseZero(in: path, call: "stat")
        var result = stat()
        // As above.
        let failed = unsafe stat(path, &result) != 0
        let code = errno
        if failed { throw SystemError(call: "stat", path: path, code: code) }
        return FileStatus(result)
    }
}
