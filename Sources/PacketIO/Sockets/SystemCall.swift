internal import CLinux
package import Glibc
package import SystemErrors

/// System calls that return their result or the negative errno, read before anything else can change it.
/// `@inline(never)` keeps the compiler from moving another call that sets errno in between.
package enum SystemCall {
    /// Turns a negative errno into an error about `subject`.
    @inline(__always)
    package static func check(
        _ result: Int32,
        _ call: String,
        _ subject: @autoclosure () -> some CustomStringConvertible
    ) throws(SystemError) -> Int32 {
        if result >= 0 { return result }
        throw SystemError(call: call, subject: subject().description, code: -result)
    }

    @inline(never)
    static func socket(_ family: Int32, _ type: Int32) -> Int32 {
        let result = Glibc.socket(family, type | Int32(SOCK_CLOEXEC.rawValue), 0)
        return result < 0 ? -errno : result
    }

    @inline(never)
    static func bind(_ descriptor: Int32, _ address: InternetAddress) -> Int32 {
        unsafe address.withSocketAddress { pointer, length in
            let result = unsafe Glibc.bind(descriptor, pointer, length)
            return result < 0 ? -errno : result
        }
    }

    @inline(never)
    static func listen(_ descriptor: Int32, _ backlog: Int32) -> Int32 {
        let result = Glibc.listen(descriptor, backlog)
        return result < 0 ? -errno : result
    }

    /// The caller handles EINTR: the connection continues in the background and must be awaited, not restarted.
    @inline(never)
    static func connect(_ descriptor: Int32, _ address: InternetAddress) -> Int32 {
        unsafe address.withSocketAddress { pointer, length in
            let result = unsafe Glibc.connect(descriptor, pointer, length)
            return result < 0 ? -errno : result
        }
    }

    @inline(never)
    package static func accept(_ descriptor: Int32) -> Int32 {
        while true {
            let result = Glibc.accept(descriptor, nil, nil)  // nil: the peer's address is asked for later
            if result >= 0 {
                _ = fcntl(result, F_SETFD, FD_CLOEXEC)
                return result
            }
            let code = errno
            // ECONNABORTED: it went away in the queue; the next one may be there.
            if code != EINTR && code != ECONNABORTED { return -code }
        }
    }

    @inline(never)
    static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: some BitwiseCopyable) -> Int32
    {
        // The kernel copies the value before the call returns.
        let result = unsafe withUnsafeBytes(of: value) {
            unsafe setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count))
        }
        return result < 0 ? -errno : result
    }

    @inline(never)
    static func getOption(_ descriptor: Int32, _ level: Int32, _ option: Int32) -> (Int32, Int32) {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(descriptor, level, option, &value, &length)  // writes at most `length` bytes
        return result < 0 ? (-errno, 0) : (result, value)
    }

    @inline(never)
    static func setTimeout(_ descriptor: Int32, _ option: Int32, nanoseconds: Int64) -> Int32 {
        let value = timeval(tv_sec: Int(nanoseconds / 1_000_000_000), tv_usec: Int(nanoseconds / 1000 % 1_000_000))
        return setOption(descriptor, SOL_SOCKET, option, value)
    }

    @inline(never)
    static func setBlocking(_ descriptor: Int32, _ blocking: Bool) -> Int32 {
        let flags = fcntl(descriptor, F_GETFL)
        if flags < 0 { return -errno }
        let result = fcntl(descriptor, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK)
        return result < 0 ? -errno : result
    }

    @inline(never)
    static func localName(_ descriptor: Int32) -> (Int32, sockaddr_storage, socklen_t) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        return (result < 0 ? -errno : result, storage, length)
    }

    @inline(never)
    static func peerName(_ descriptor: Int32) -> (Int32, sockaddr_storage, socklen_t) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getpeername(descriptor, $0, &length)
            }
        }
        return (result < 0 ? -errno : result, storage, length)
    }

    @inline(never)
    package static func shutDown(_ descriptor: Int32, _ how: Int32) -> Int32 {
        let result = Glibc.shutdown(descriptor, how)
        return result < 0 ? -errno : result
    }

    /// Bytes sent, or the negative errno. Never raises SIGPIPE.
    @inline(never)
    static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, flags: Int32) -> Int {
        while true {
            let result = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags | Int32(MSG_NOSIGNAL))
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { return -Int(code) }
        }
    }

    /// Bytes received, 0 at the end of the stream, or the negative errno.
    @inline(never)
    static func receive(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer, flags: Int32) -> Int {
        while true {
            let result = unsafe recv(descriptor, bytes.baseAddress, bytes.count, flags)
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { return -Int(code) }
        }
    }

    @inline(never)
    static func eventDescriptor() -> Int32 { outpost_wake_create() }

    /// Waits until `descriptor` is ready or `wake` is signaled; `timeout` in nanoseconds, negative waits forever.
    @inline(never)
    package static func wait(_ descriptor: Int32, writable: Bool, wake: Int32, timeout: Int64) -> Int32 {
        outpost_wait(descriptor, writable, wake, timeout)
    }

    /// Waits for any of `entries`; `timeout` in nanoseconds, rounded up to milliseconds, nil waits forever.
    @inline(never)
    package static func poll(_ entries: inout [pollfd], timeout: Int64?) -> Int32 {
        let milliseconds = timeout.map { Int32(clamping: ($0 + 999_999) / 1_000_000) } ?? -1
        let count = nfds_t(entries.count)
        let result = unsafe Glibc.poll(&entries, count, milliseconds)  // writes into `count` entries
        return result < 0 ? -errno : result
    }
}
