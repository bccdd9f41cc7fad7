internal import CLinux
package import SystemErrors

/// An eventfd that wakes a thread from any other thread.
package final class WakeUp: Sendable {
    private let descriptor: SocketDescriptor

    package init() throws(SystemError) {
        descriptor = SocketDescriptor(
            owning: try SystemCall.check(SystemCall.eventDescriptor(), "eventfd", "")
        )
    }

    package var raw: Int32 { descriptor.raw }

    /// Stays signaled: every later wait returns at once.
    package func signal() {
        outpost_wake_signal(raw)
    }

    /// Resets the signal, so that the next wait blocks.
    package func clear() {
        outpost_wake_clear(raw)
    }
}
