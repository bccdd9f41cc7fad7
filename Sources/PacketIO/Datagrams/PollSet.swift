internal import CLinux
internal import Glibc
package import SystemErrors

/// Waits for several sockets and a wake-up at once, without allocating. For one thread.
///
/// A socket must stay open as long as a set has it.
package struct PollSet: Sendable {
    /// The wake-up's, then those of the sockets.
    private var entries: [pollfd]

    /// - Parameter wakeUp: what ends a wait from another thread. It stays signaled until it is cleared.
    package init(_ wakeUp: WakeUp? = nil) {
        // poll skips negative descriptors.
        entries = [pollfd(fd: wakeUp?.raw ?? -1, events: Int16(POLLIN), revents: 0)]
    }

    /// Adds a socket that is waited for until something has arrived; returns its index.
    package mutating func add(_ socket: borrowing PacketSocket) -> Int {
        entries.append(pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0))
        return entries.count - 2
    }

    /// Whether to wait for room in the socket's send buffer too.
    package mutating func awaitRoom(_ index: Int, _ isAwaited: Bool) {
        entries[index + 1].events = Int16(isAwaited ? POLLIN | POLLOUT : POLLIN)
    }

    /// Waits until a socket is ready or the wake-up is signaled; false if the deadline came first.
    /// - Parameter deadline: of ``KernelClock/monotonic``; nil: never. One that is past only looks.
    package mutating func wait(until deadline: Int64?) throws(SystemError) -> Bool {
        while true {
            let timeout = deadline.map { max(0, $0 - KernelClock.monotonic) } ?? -1
            let ready = poll(timeout)
            if ready == -EINTR { continue }
            return try SystemCall.check(ready, "ppoll", "") > 0
        }
    }

    @inline(never)
    private mutating func poll(_ timeout: Int64) -> Int32 {
        // The kernel writes into these entries only.
        unsafe entries.withUnsafeMutableBufferPointer { entries in
            guard let first = entries.baseAddress else { return -EINVAL }
            return unsafe outpost_poll(first, UInt64(entries.count), timeout)
        }
    }

    // MARK: After a wait

    /// Whether the wake-up was signaled.
    package var isWoken: Bool { entries[0].revents != 0 }

    /// Whether something has arrived at the socket, or an error.
    package func hasArrivals(_ index: Int) -> Bool {
        entries[index + 1].revents & ~Int16(POLLOUT) != 0
    }

    /// Whether the socket has room to send, and that was waited for.
    package func hasRoom(_ index: Int) -> Bool { entries[index + 1].revents & Int16(POLLOUT) != 0 }
}
