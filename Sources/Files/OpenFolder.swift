package import Glibc
package import SystemErrors

/// An open folder, in which names are looked up without following symbolic links.
///
/// Names are single parts of a path, in the file system's bytes: not empty, without `/` and zero, neither `.` nor `..`.
/// Another one is a programming error and traps.
package struct OpenFolder: ~Copyable, Sendable {
    private let folder: Descriptor

    /// Opens a folder by its path. Symbolic links on the way are followed.
    package static func open(_ path: String) throws(SystemError) -> OpenFolder {
        OpenFolder(folder: try Descriptor.open(path, flags: O_RDONLY | O_DIRECTORY))
    }

    /// The same folder, with a descriptor of its own.
    package func reopened() throws(SystemError) -> OpenFolder {
        OpenFolder(folder: try Descriptor.open(".", in: folder, flags: O_RDONLY | O_DIRECTORY))
    }

    private init(folder: consuming Descriptor) { self.folder = folder }

    /// For errors.
    package var path: String { folder.path }

    package func path(of name: [UInt8]) -> String { folder.path + "/" + String(decoding: name, as: UTF8.self) }

    /// Opens a folder in this one; fails if it is a symbolic link.
    package func folder(_ name: [UInt8]) throws(SystemError) -> OpenFolder {
        OpenFolder(folder: try open(name, flags: O_RDONLY | O_DIRECTORY))
    }

    /// Opens a file; fails if it is a symbolic link.
    @inline(never)
    package func open(_ name: [UInt8], flags: Int32, mode: mode_t = 0o600) throws(SystemError) -> Descriptor {
        let raw = try unsafe call("open", name) { unsafe openat(folder.raw, $0, flags | O_NOFOLLOW | O_CLOEXEC, mode) }
        return Descriptor(owning: raw, folder: folder.path, name: name)
    }

    package func makeFolder(_ name: [UInt8], mode: mode_t = 0o700) throws(SystemError) {
        _ = try unsafe call("mkdir", name) { unsafe mkdirat(folder.raw, $0, mode) }
    }

    /// What is there; nil if nothing is.
    @inline(never)
    package func status(of name: [UInt8]) throws(SystemError) -> FileStatus? {
        var result = stat()
        do throws(SystemError) {
            // The structure lives for the call.
            _ = try unsafe call("lstat", name) { unsafe fstatat(folder.raw, $0, &result, AT_SYMLINK_NOFOLLOW) }
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
        return FileStatus(result)
    }

    package func remove(_ name: [UInt8]) throws(SystemError) {
        _ = try unsafe call("unlink", name) { unsafe unlinkat(folder.raw, $0, 0) }
    }

    /// Renames inside of the folder, over what is there.
    package func rename(_ old: [UInt8], to new: [UInt8]) throws(SystemError) {
        let name = old.map { CChar(bitPattern: $0) } + [0]
        // Both arrays end with a zero and live for the call.
        _ = try unsafe call("rename", new) { unsafe renameat(folder.raw, name, folder.raw, $0) }
    }

    /// Gives a file a second name, which must be unused.
    package func link(_ old: [UInt8], as new: [UInt8]) throws(SystemError) {
        let name = old.map { CChar(bitPattern: $0) } + [0]
        // As above.
        _ = try unsafe call("link", new) { unsafe linkat(folder.raw, name, folder.raw, $0, 0) }
    }

    package func makeSymbolicLink(_ name: [UInt8], to target: [UInt8]) throws(SystemError) {
        let target = target.map { CChar(bitPattern: $0) } + [0]
        // As above.
        _ = try unsafe call("symlink", name) { unsafe symlinkat(target, folder.raw, $0) }
    }

    /// Where a symbolic link points to.
    @inline(never)
    package func target(of name: [UInt8]) throws(SystemError) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: 4_096)
        // The kernel writes at most so many bytes.
        let count = try unsafe call("readlink", name) { name in
            unsafe buffer.withUnsafeMutableBufferPointer { buffer in
                guard let address = buffer.baseAddress else { return -1 }
                return unsafe Int32(readlinkat(folder.raw, name, address, buffer.count))
            }
        }
        return buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }
    }

    /// Sets when a symbolic link or anything else last changed.
    package func setModified(_ name: [UInt8], seconds: Int64, nanoseconds: UInt32) throws(SystemError) {
        let times = Descriptor.times(seconds: seconds, nanoseconds: nanoseconds)
        // Both are read during the call.
        _ = try unsafe call("utimensat", name) { unsafe utimensat(folder.raw, $0, times, AT_SYMLINK_NOFOLLOW) }
    }

    /// Sets this folder's own permissions and time.
    package func setOwn(mode: mode_t, seconds: Int64, nanoseconds: UInt32) throws(SystemError) {
        try folder.setMode(mode)
        try folder.setModified(seconds: seconds, nanoseconds: nanoseconds)
    }

    package func synchronize() throws(SystemError) { try folder.synchronize() }

    package func status() throws(SystemError) -> FileStatus { try folder.status() }

    /// The names in the folder, without `.` and `..`, unordered.
    package func names() throws(SystemError) -> [[UInt8]] {
        // A listing moves the position of its descriptor, and closes it.
        try FolderListing.names(of: try Descriptor.open(".", in: folder, flags: O_RDONLY | O_DIRECTORY))
    }

    /// Whether it is one part of a path, and neither `.` nor `..`.
    static func isName(_ name: [UInt8]) -> Bool {
        for byte in name where byte == 0 || byte == UInt8(ascii: "/") { return false }
        let dots = name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
        return !name.isEmpty && !dots
    }

    /// Calls with a name that ends with a zero, again after `EINTR`. Below 0 is a failure.
    private func call(
        _ call: String,
        _ name: [UInt8],
        _ body: (UnsafePointer<CChar>) throws(SystemError) -> Int32
    ) throws(SystemError) -> Int32 {
        precondition(Self.isName(name), "a name is one part of a path")
        while true {
            // The copy on the stack ends with a zero and lives for the call.
            let result = try unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) {
                (text) throws(SystemError) -> Int32 in
                for index in 0..<name.count { unsafe text[index] = CChar(bitPattern: name[index]) }
                unsafe text[name.count] = 0
                guard let address = text.baseAddress else { return -1 }
                return try unsafe body(address)
            }
            let code = errno
            if result >= 0 { return result }
            if code != EINTR { throw SystemError(call: call, path: path(of: name), code: code) }
        }
    }
}
