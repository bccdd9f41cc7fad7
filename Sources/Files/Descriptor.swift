package import Glibc
package import SystemErrors

/// An open file descriptor that closes itself. Every call reads `errno` at once and retries after `EINTR`.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: Int32
    private let folder: String
    /// In the folder; empty if `folder` is all of the path.
    private let name: [UInt8]

    /// The path that was opened, for errors.
    package var path: String { name.isEmpty ? folder : folder + "/" + String(decoding: name, as: UTF8.self) }

    package init(owning raw: Int32, path: String) {
        self.init(owning: raw, folder: path, name: [])
    }

    /// Of a file that was opened in a folder. Its path is only put together for an error.
    init(owning raw: Int32, folder: String, name: [UInt8]) {
        self.raw = raw
        self.folder = folder
        self.name = name
    }

    deinit { _ = Glibc.close(raw) }

    /// Opens `path` with `O_CLOEXEC` added to `flags`.
    package static func open(_ path: String, flags: Int32, mode: mode_t = 0o600) throws(SystemError) -> Descriptor {
        Descriptor(owning: try openRaw(path, flags: flags | O_CLOEXEC, mode: mode), path: path)
    }

    /// Opens a path that is relative to an open folder.
    package static func open(
        _ path: String,
        in folder: borrowing Descriptor,
        flags: Int32
    ) throws(SystemError) -> Descriptor {
        // The bridged string lives for the call.
        let raw = unsafe openat(folder.raw, path, flags | O_CLOEXEC)
        let code = errno
        if raw < 0 { throw SystemError(call: "open", path: folder.path, code: code) }
        return Descriptor(owning: raw, path: folder.path)
    }

    @inline(never)
    private static func openRaw(_ path: String, flags: Int32, mode: mode_t) throws(SystemError) -> Int32 {
        try refuseZero(in: path, call: "open")
        while true {
            // The bridged string lives for the call.
            let descriptor = unsafe Glibc.open(path, flags, mode)
            let code = errno
            if descriptor >= 0 { return descriptor }
            if code != EINTR { throw SystemError(call: "open", path: path, code: code) }
        }
    }

    /// The kernel's interface would cut the path at a zero byte.
    static func refuseZero(in path: String, call: String) throws(SystemError) {
        if path.utf8.contains(0) { throw SystemError(call: call, path: path, code: EINVAL) }
    }

    /// Reads at most `count` bytes at the file position. Empty at the end.
    @inline(never)
    package borrowing func read(atMost count: Int) throws(SystemError) -> [UInt8] {
        try unsafe filling(count) { unsafe Glibc.read(raw, $0, $1) }
    }

    /// Reads at most `count` bytes at `offset`. Empty at the end.
    @inline(never)
    package borrowing func read(atMost count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        try unsafe filling(count) { unsafe Glibc.pread(raw, $0, $1, Int(offset)) }
    }

    private borrowing func filling(
        _ count: Int,
        _ call: (UnsafeMutableRawPointer?, Int) -> Int
    ) throws(SystemError) -> [UInt8] {
        var code: Int32 = 0
        // The buffer belongs to the array under construction and is not kept.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while true {
                let result = unsafe call(buffer.baseAddress, count)
                let failure = errno
                if result >= 0 {
                    filled = result
                    return
                }
                if failure != EINTR {
                    code = failure
                    return
                }
            }
        }
        if code != 0 { throw SystemError(call: "read", path: path, code: code) }
        return bytes
    }

    /// One write(2): how many bytes of `bytes` the kernel took.
    @inline(never)
    package borrowing func writeSome(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        while true {
            // The buffer is only read, during the call.
            let result = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(raw, $0.baseAddress, $0.count) }
            let code = errno
            if result >= 0 { return result }
            if code != EINTR { throw SystemError(call: "write", path: path, code: code) }
        }
    }

    /// Writes all of `bytes`.
    package borrowing func write(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let taken = try writeSome(rest)
            if taken == 0 { throw SystemError(call: "write", path: path, code: EIO) }
            rest = rest.dropFirst(taken)
        }
    }

    /// Writes all of `bytes` at `offset`.
    @inline(never)
    package borrowing func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            // The buffer is only read, during the call.
            let result = unsafe bytes[done...].withUnsafeBytes {
                unsafe Glibc.pwrite(raw, $0.baseAddress, $0.count, Int(offset) + done)
            }
            let code = errno
            if result > 0 {
                done += result
            } else if result == 0 || code != EINTR {
                throw SystemError(call: "pwrite", path: path, code: result == 0 ? EIO : code)
            }
        }
    }

    package borrowing func synchronize() throws(SystemError) { try repeating("fsync") { Glibc.fsync(raw) } }

    package borrowing func synchronizeData() throws(SystemError) { try repeating("fdatasync") { Glibc.fdatasync(raw) } }

    package borrowing func truncate(to length: Int64) throws(SystemError) {
        try repeating("ftruncate") { Glibc.ftruncate(raw, Int(length)) }
    }

    package borrowing func setMode(_ mode: mode_t) throws(SystemError) {
        try repeating("fchmod") { Glibc.fchmod(raw, mode) }
    }

    package borrowing func status() throws(SystemError) -> FileStatus {
        var result = stat()
        try repeating("fstat") { unsafe Glibc.fstat(raw, &result) }
        return FileStatus(result)
    }

    @inline(never)
    private borrowing func repeating(_ name: String, _ call: () -> Int32) throws(SystemError) {
        while true {
            let result = call()
            let code = errno
            if result == 0 { return }
            if code != EINTR { throw SystemError(call: name, path: path, code: code) }
        }
    }
}
