internal import Glibc

/// Our ends of a child's pipes: writes its input and reads its output. Used on the thread that started the child.
struct ChildPipes: ~Copyable {
    /// Descriptors; negative once closed.
    struct Ends {
        var input: Int32
        var output: Int32
        var error: Int32
    }

    private var ends: Ends
    private var input: ArraySlice<UInt8>
    private let limit: Int
    /// Of standard output and standard error.
    private var kept: [[UInt8]] = [[], []]
    private var chunk = [UInt8](repeating: 0, count: 65_536)

    /// - Parameter limit: bytes to keep of each of standard output and standard error; the rest is read and dropped.
    init(_ ends: Ends, input: [UInt8], limit: Int) {
        self.ends = ends
        self.input = input[...]
        self.limit = limit
        if ends.input >= 0 { _ = fcntl(ends.input, F_SETFL, fcntl(ends.input, F_GETFL) | O_NONBLOCK) }
    }

    /// Returns when the child has closed both of its outputs.
    consuming func run() -> (output: [UInt8], error: [UInt8]) {
        // A child that closes its input causes an error, not a signal that would end this process.
        var pipe = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&pipe)
        unsafe sigaddset(&pipe, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &pipe, &before)
        while ends.output >= 0 || ends.error >= 0, step() {}
        for end in [ends.input, ends.output, ends.error] where end >= 0 { Glibc.close(end) }
        // A pending signal must not be delivered when the thread unblocks it.
        var now = timespec()
        while unsafe sigtimedwait(&pipe, nil, &now) == SIGPIPE {}
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        return (kept[0], kept[1])
    }

    /// Waits for readiness and reads or writes; false on failure.
    private mutating func step() -> Bool {
        var polled = [
            pollfd(fd: ends.input, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: ends.output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: ends.error, events: Int16(POLLIN), revents: 0),
        ]
        // The array outlives the call.
        guard unsafe poll(&polled, nfds_t(polled.count), -1) >= 0 else { return errno == EINTR }
        if polled[0].revents != 0, !give() { Self.close(&ends.input) }
        if polled[1].revents != 0, !take(ends.output, 0) { Self.close(&ends.output) }
        if polled[2].revents != 0, !take(ends.error, 1) { Self.close(&ends.error) }
        return true
    }

    private static func close(_ end: inout Int32) {
        Glibc.close(end)
        end = -1
    }

    /// False if nothing is left to write, or the child accepts no more.
    private mutating func give() -> Bool {
        // Only read during the call.
        let count = unsafe input.withUnsafeBytes { unsafe write(ends.input, $0.baseAddress, $0.count) }
        guard count >= 0 else { return errno == EINTR || errno == EAGAIN }
        input = input.dropFirst(count)
        return !input.isEmpty
    }

    /// False at the end.
    private mutating func take(_ end: Int32, _ stream: Int) -> Bool {
        // Filled by the call.
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(end, $0.baseAddress, $0.count) }
        guard count > 0 else { return count < 0 && errno == EINTR }
        kept[stream].append(contentsOf: chunk[..<min(count, max(0, limit - kept[stream].count))])
        return true
    }
}
