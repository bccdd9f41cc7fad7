internal import Files
internal import Glibc
internal import SystemErrors

/// Creates a daemon's listening socket, at a path.
package enum UnixListeningSocket {
    /// Bytes of a path, without its terminator (`sun_path`, unix(7)).
    package static let maximumPathLength = 107

    /// How long another program may do the same in the socket's folder. Anyone who may read the folder can lock it, and
    /// must not keep a daemon from starting by that.
    private static let patience = Duration.seconds(5)

    /// A listening socket, mode 0600 from the moment it has a name; the caller closes it.
    ///
    /// A socket that a dead process left at the path is replaced, after a connect to it failed; a socket that answers,
    /// and any file that is not a socket, is left alone.
    static func listen(_ path: String, backlog: Int32) async throws -> Int32 {
        guard path.utf8.count <= maximumPathLength, !path.isEmpty else {
            throw DaemonError.cannotListen(
                address: "unix:\(path)",
                reason: "the path has \(path.utf8.count) bytes, and the system allows 1 to \(maximumPathLength)"
            )
        }
        let lock = try await lockFolder(of: path)
        defer { if let lock { close(lock) } }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
        do {
            // Linux gives the file the socket's own mode, so there is no moment at which others could connect.
            guard fchmod(descriptor, 0o600) == 0 else { throw SystemError(call: "fchmod", code: errno) }
            if try !bind(descriptor, path) {
                try removeStale(path)
                guard try bind(descriptor, path) else { throw SystemError(call: "bind", code: EADDRINUSE) }
            }
            guard Glibc.listen(descriptor, backlog) == 0 else { throw SystemError(call: "listen", code: errno) }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Until it is closed, no other daemon of this library looks for a stale socket in the folder: two that find the
    /// same one would each remove what is there, and the second one the first's. Nil if a folder cannot be locked, or
    /// is kept locked.
    private static func lockFolder(of path: String) async throws -> Int32? {
        let end = path.lastIndex(of: "/")
        let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // Binding reports what is wrong with the folder.
        guard descriptor >= 0 else { return nil }
        let start = ContinuousClock.now
        do {
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                guard errno == EWOULDBLOCK || errno == EINTR else {
                    close(descriptor)
                    return nil
                }
                guard ContinuousClock.now - start < patience else {
                    close(descriptor)
                    return nil
                }
                try await Task.sleep(for: .milliseconds(10))
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// False if something is already there.
    private static func bind(_ descriptor: Int32, _ path: String) throws -> Bool {
        switch unsafe withAddress(path, { unsafe Glibc.bind(descriptor, $0, $1) == 0 ? 0 : errno }) {
        case 0: return true
        case EADDRINUSE: return false
        case let code: throw SystemError(call: "bind", code: code)
        }
    }

    private static func removeStale(_ path: String) throws {
        guard let status = try? FileStatus.ofLink(at: path) else { return }
        guard status.kind == .socket else {
            throw DaemonError.cannotListen(
                address: "unix:\(path)",
                reason: "there is a file that is no socket; move it away"
            )
        }
        let probe = Glibc.socket(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0
        )
        guard probe >= 0 else { throw SystemError(call: "socket", code: errno) }
        defer { close(probe) }
        let code = unsafe withAddress(path) { unsafe connect(probe, $0, $1) == 0 ? 0 : errno }
        // EAGAIN also means a listener: its queue is full.
        guard code == ECONNREFUSED else { throw SystemError(call: "bind", code: EADDRINUSE) }
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw SystemError(call: "unlink", code: errno) }
    }

    /// `path` is at most ``maximumPathLength`` bytes; `body` returns 0 or an errno.
    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // The path fits with its terminator, which the zeroed address has already.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
