package import Glibc
package import SystemErrors

/// The files that a tool keeps: private, never opened through a symbolic link, created atomically.
package enum StateFiles {
    /// Creates `path` and its missing parents with mode 0700. An existing folder must belong to us or to root and must
    /// not be writable for group or others.
    package static func createFolder(_ path: String) throws(FileError) {
        guard !path.isEmpty else {
            throw FileError(path: path, problem: "the path of the folder is empty", remedy: "give a path")
        }
        let status: FileStatus
        do throws(SystemError) {
            try makeFolders(path)
            status = try FileStatus.ofLink(at: path)
            guard status.kind == .folder else {
                throw SystemError(call: "mkdir", path: path, code: status.kind == .symbolicLink ? ELOOP : ENOTDIR)
            }
        } catch {
            guard [EACCES, EPERM].contains(error.code) else { throw FileError(error, path: path) }
            throw FileError(
                path: path,
                problem: "cannot create the folder: \(error.reason)",
                remedy: "run as root or as a user who may write in \(folder(of: error.path) ?? "this folder")",
                code: error.code
            )
        }
        try checkFolder(status, path: path)
    }

    /// Whether the folder exists. Throws if it exists and its owner or mode makes it unsafe for our files, like
    /// ``createFolder(_:)``.
    package static func isOwnFolder(_ path: String) throws(FileError) -> Bool {
        let status: FileStatus
        do throws(SystemError) {
            status = try FileStatus.ofLink(at: path)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return false }
            throw FileError(error, path: path)
        }
        guard status.kind == .folder else {
            throw FileError(
                SystemError(call: "open", path: path, code: status.kind == .symbolicLink ? ELOOP : ENOTDIR)
            )
        }
        try checkFolder(status, path: path)
        return true
    }

    private static func checkFolder(_ status: FileStatus, path: String) throws(FileError) {
        if status.owner != geteuid() && status.owner != 0 {
            throw FileError(
                path: path,
                problem: "the folder belongs to user \(status.owner), but this is user \(geteuid())",
                remedy: "run as user \(status.owner), or correct its owner (chown)",
                code: EPERM
            )
        }
        if status.mode & 0o022 != 0 {
            throw FileError(
                path: path,
                problem: "the folder's mode, 0\(String(status.mode, radix: 8)), lets group or others write in it",
                remedy: "run `chmod go-w \(path)` if no other user needs it",
                code: EPERM
            )
        }
    }

    private static func makeFolders(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try makeFolder(path)
        } catch {
            guard error.code == ENOENT, let parent = folder(of: path), parent != path else {
                if error.code == EEXIST { return }
                throw error
            }
            try makeFolders(parent)
            do throws(SystemError) { try makeFolder(path) } catch  where error.code == EEXIST {}
        }
    }

    @inline(never)
    private static func makeFolder(_ path: String) throws(SystemError) {
        try Descriptor.refuseZero(in: path, call: "mkdir")
        // The bridged string lives for the call.
        let failed = unsafe mkdir(path, 0o700) != 0
        let code = errno
        if failed { throw SystemError(call: "mkdir", path: path, code: code) }
    }

    /// Creates a file that must not exist yet, mode 0600 from the first byte, and makes its content and name durable.
    package static func createPrivate(_ path: String, content: [UInt8], mode: mode_t = 0o600) throws(FileError) {
        do throws(SystemError) {
            let file = try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
            do throws(SystemError) {
                try file.setMode(mode)
                try file.write(content)
                try file.synchronize()
                try synchronizeFolder(of: path)
            } catch {
                try? remove(path)
                throw error
            }
        } catch { throw FileError(error, path: path) }
    }

    /// Reads a file of at most `limit` bytes.
    package static func read(
        _ path: String,
        limit: Int,
        followsLinks: Bool = false
    ) throws(FileError) -> [UInt8] {
        do throws(SystemError) {
            let flags = O_RDONLY | O_NONBLOCK | (followsLinks ? 0 : O_NOFOLLOW)
            let file = try Descriptor.open(path, flags: flags)
            let status = try file.status()
            if status.kind == .folder { throw SystemError(call: "read", path: path, code: EISDIR) }
            if status.kind == .other { throw SystemError(call: "read", path: path, code: EINVAL) }
            var bytes: [UInt8] = []
            while bytes.count <= limit {
                let more = try file.read(atMost: min(limit + 1 - bytes.count, 65_536))
                if more.isEmpty { return bytes }
                bytes += more
            }
            throw SystemError(call: "read", path: path, code: EFBIG)
        } catch {
            if error.code == EFBIG {
                throw FileError(
                    path: path,
                    problem: "the file is longer than \(limit) bytes",
                    remedy: "shorten it, or correct the path",
                    code: EFBIG
                )
            }
            throw FileError(error, path: path)
        }
    }

    /// Whether this user may write in the folder at `path`, or create it if it is missing.
    @inline(never)
    package static func isWritableFolder(_ path: String) -> Bool {
        // The bridged string lives for the call. AT_EACCESS: the effective user is the one that writes files.
        if unsafe faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0 { return true }
        guard errno == ENOENT, let parent = folder(of: path), parent != path else { return false }
        return isWritableFolder(parent)
    }

    /// Makes a new name in the folder of `path` durable.
    package static func synchronizeFolder(of path: String) throws(SystemError) {
        let handle = try Descriptor.open(folder(of: path) ?? ".", flags: O_RDONLY | O_DIRECTORY)
        try handle.synchronize()
    }

    @inline(never)
    package static func remove(_ path: String) throws(SystemError) {
        try Descriptor.refuseZero(in: path, call: "unlink")
        // The bridged string lives for the call.
        let failed = unsafe unlink(path) != 0
        let code = errno
        if failed { throw SystemError(call: "unlink", path: path, code: code) }
    }

    /// Gives the file at `path` a second name, which must be unused.
    @inline(never)
    package static func link(_ path: String, as name: String) throws(SystemError) {
        try Descriptor.refuseZero(in: path, call: "link")
        try Descriptor.refuseZero(in: name, call: "link")
        // The bridged strings live for the call.
        let failed = unsafe Glibc.link(path, name) != 0
        let code = errno
        if failed { throw SystemError(call: "link", path: name, code: code) }
    }

    @inline(never)
    package static func rename(_ old: String, to new: String) throws(SystemError) {
        try Descriptor.refuseZero(in: old, call: "rename")
        try Descriptor.refuseZero(in: new, call: "rename")
        // The bridged strings live for the call.
        let failed = unsafe Glibc.rename(old, new) != 0
        let code = errno
        if failed { throw SystemError(call: "rename", path: new, code: code) }
    }

    /// The folder part of a path; nil for a bare name.
    package static func folder(of path: String) -> String? {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }
}
