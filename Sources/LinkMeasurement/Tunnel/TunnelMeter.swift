internal import NIOCore

/// Counts what a tunnel's handler moves, and says whether it may go on.
package struct TunnelMeter: Sendable {
    package enum Verdict: Sendable {
        case go
        /// Nothing more until the books have caught up; ``whenReady`` tells.
        case wait
        case stop
    }

    /// Takes the bytes of one read or write.
    let record: @Sendable (Int) -> Verdict
    /// Where the bytes of the direction are timed.
    let flow: FlowMeter
    /// Calls back once, on any thread, when the handler may go on; at once when it may already.
    package let whenReady: @Sendable (@escaping @Sendable () -> Void) -> Void

    package init(
        flow: FlowMeter,
        record: @escaping @Sendable (Int) -> Verdict,
        whenReady: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.flow = flow
        self.record = record
        self.whenReady = whenReady
    }

    /// Counts only: nothing holds a client back.
    package init(counting flow: FlowMeter) {
        self.flow = flow
        self.record = {
            flow.record($0, at: NIODeadline.now().uptimeNanoseconds)
            return .go
        }
        self.whenReady = { $0() }
    }

    /// Stops reading until the handler may go on.
    func pauseReading(_ channel: any Channel) {
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        whenReady {
            channel.eventLoop.execute { try? channel.syncOptions?.setOption(.autoRead, value: true) }
        }
    }
}
