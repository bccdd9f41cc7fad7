import CLinux
import SystemErrors

/// An eventfd that gets a thread out of its wait from any other thread.
final class WakeUp: Sendable {
    private let descriptor: SocketDescriptor

    init() throws(SystemError) {
        self.descriptor = SocketDescriptor(
            owning: try SystemCall.check(SystemCall.eventDescriptor(), "eventfd", "")
        )
    }

    var raw: Int32 { self.descriptor.raw }

    /// Stays signalled: every wait from now on returns at once.
    func signal() {
        outpost_wake_signal(self.raw)
    }

    /// Takes the signal back, so that the next wait waits.
    func clear() {
        outpost_wake_clear(self.raw)
    }
}
