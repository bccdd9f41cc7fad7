internal import Glibc
internal import LinkMeasurement
package import PacketIO
internal import Synchronization
package import SystemErrors

/// Sends echo datagrams on an absolute schedule from a connected UDP socket and collects the replies, on one thread
/// that sleeps in between. For one use.
package final class EchoProber: Sendable {
    enum Command: UInt8, AtomicRepresentable {
        case run, stop, cancel
    }

    /// What the queue may hold while the thread is not scheduled; the kernel gives what `net.core.rmem_max` allows.
    private static let bufferBytes: Int32 = 4 << 20

    let plan: EchoProbePlan
    let socket: SocketDescriptor
    let wakeUp: WakeUp
    let onProgress: (@Sendable (EchoProgress) -> Void)?
    private let command = Atomic(Command.run)

    /// Opens and connects the socket; sends nothing.
    /// - Parameter onProgress: called on the prober's thread at most five times a second; delays the probes while it
    ///   runs.
    package init(
        _ plan: EchoProbePlan,
        onProgress: (@Sendable (EchoProgress) -> Void)? = nil
    ) throws(EchoProbeError) {
        try plan.check()
        do throws(SystemError) {
            socket = try Socket.connectUDP(plan.target, from: plan.local)
            wakeUp = try WakeUp()
            socket.askBuffers(receive: Self.bufferBytes, send: Self.bufferBytes)
            try socket.stampArrivals(isIPv6: false, isWildcard: false)
        } catch {
            throw .system(error)
        }
        self.plan = plan
        self.onProgress = onProgress
    }

    /// Starts the thread; its value is the samples of the whole run.
    package func start() throws(SystemError) -> WorkThread<Result<EchoSamples, EchoProbeError>> {
        try WorkThread("echo-prober") { self.run() }
    }

    /// Runs on a thread of its own; canceling the task ends it at once with the samples so far.
    package func samples() async throws -> EchoSamples {
        let thread = try start()
        return try await withTaskCancellationHandler {
            try await thread.value.get()
        } onCancel: {
            cancel()
        }
    }

    /// Sends no more; the run ends when the last replies have arrived or the grace is over.
    package func stop() {
        order(.stop)
    }

    /// Ends the run at once, with the samples so far.
    package func cancel() {
        order(.cancel)
    }

    private func order(_ command: Command) {
        // A stop does not undo a cancel.
        if command == .cancel {
            self.command.store(.cancel, ordering: .releasing)
        } else {
            _ = self.command.compareExchange(expected: .run, desired: command, ordering: .acquiringAndReleasing)
        }
        wakeUp.signal()
    }

    var ordered: Command { command.load(ordering: .acquiring) }
}
