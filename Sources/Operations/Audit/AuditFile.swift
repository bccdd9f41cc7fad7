package import Files
internal import Glibc
package import SystemErrors

/// The log's file as the log uses it. Tests inject failures.
package protocol AuditFile: Sendable {
    func status() throws(SystemError) -> FileStatus
    /// At most `count` bytes at `offset`, fewer only at the end.
    func read(atMost count: Int, at offset: Int64) throws(SystemError) -> [UInt8]
    /// One write(2) at the end: how many bytes the kernel took.
    func append(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int
    func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError)
    func synchronizeData() throws(SystemError)
    func truncate(to length: Int64) throws(SystemError)
    /// Takes the exclusive lock; EWOULDBLOCK if another process has it.
    func lock() throws(SystemError)
    /// Releases the lock, so that the file can be reopened before this object is gone.
    func unlock()
}

/// A file on disk.
package final class AuditDiskFile: AuditFile {
    private let descriptor: Descriptor

    /// Opens or creates the file, mode 0600; refuses symbolic links and files that other users may write.
    package init(path: String, appends: Bool) throws(SystemError) {
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (appends ? O_APPEND : 0)
        let descriptor = try Descriptor.open(path, flags: flags, mode: 0o600)
        let status = try descriptor.status()
        guard status.kind == .file else { throw SystemError(call: "open", path: path, code: EINVAL) }
        let isOurs = status.owner == geteuid() || status.owner == 0
        guard isOurs, status.mode & 0o022 == 0 else { throw SystemError(call: "open", path: path, code: EPERM) }
        if status.size == 0 { try StateFiles.synchronizeFolder(of: path) }
        self.descriptor = descriptor
    }

    /// Opens a log for reading only.
    init(reading path: String) throws(SystemError) {
        let descriptor = try Descriptor.open(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let kind = try descriptor.status().kind
        guard kind == .file else {
            throw SystemError(call: "open", path: path, code: kind == .folder ? EISDIR : EINVAL)
        }
        self.descriptor = descriptor
    }

    /// Whether a process has locked the file for writing.
    var isLocked: Bool {
        let code = change(to: LOCK_SH)
        if code == 0 { _ = change(to: LOCK_UN) }
        return code == EWOULDBLOCK
    }

    package func status() throws(SystemError) -> FileStatus { try descriptor.status() }

    package func read(atMost count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        try descriptor.read(atMost: count, at: offset)
    }

    package func append(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int { try descriptor.writeSome(bytes) }

    package func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        try descriptor.write(bytes, at: offset)
    }

    package func synchronizeData() throws(SystemError) { try descriptor.synchronizeData() }

    package func truncate(to length: Int64) throws(SystemError) { try descriptor.truncate(to: length) }

    package func lock() throws(SystemError) {
        let code = change(to: LOCK_EX)
        if code != 0 { throw SystemError(call: "flock", path: descriptor.path, code: code) }
    }

    package func unlock() { _ = change(to: LOCK_UN) }

    /// flock(2) that never waits. Returns 0 or an errno.
    @inline(never)
    private func change(to lock: Int32) -> Int32 {
        while true {
            let result = flock(descriptor.raw, lock | LOCK_NB)
            let code = errno
            if result == 0 { return 0 }
            if code != EINTR { return code }
        }
    }
}
