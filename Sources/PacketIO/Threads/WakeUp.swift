internal import CLinux
internal import SystemErrors

/// An eventfd that wakes a thread from any other thread.
final class WakeUp: Sendable {
    private let descriptor: SocketDescriptor

    init() throws(SystemError) {
        self.descriptor = SocketDescriptor(
            owning: try SystemCall.check(SystemCall.eventDescriptor(), "eventfd", "")
        )
    }

    var raw: Int32 { self.descriptor.raw }

    /// Stays signaled: every later wait returns at once.
    func signal() {
        outpost_wake_signal(self.raw)
    }

    /// Resets the signal, so that the next wait blocks.
    func clear() {
        outpost_wake_clear(self.raw)
    }
}
