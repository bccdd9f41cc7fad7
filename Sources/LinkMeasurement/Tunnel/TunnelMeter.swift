internal import NIOCore

/// Counts what a tunnel's handler moves, and decides whether it may continue.
package struct TunnelMeter: Sendable {
    package enum Verdict: Sendable {
        case go
        /// Stop until the accounts have caught up; ``whenReady`` reports that.
        case wait
        case stop
    }

    /// Records the bytes of one read or write.
    let record: @Sendable (Int) -> Verdict
    /// Times the bytes of the direction.
    let flow: FlowMeter
    /// Calls back once, on any thread, when the handler may continue; at once if it already may.
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

    /// Only counts: nothing limits a client.
    package init(counting flow: FlowMeter) {
        self.flow = flow
        self.record = {
            flow.record($0, at: NIODeadline.now().uptimeNanoseconds)
            return .go
        }
        self.whenReady = { $0() }
    }

    /// Stops reading until the handler may continue.
    func pauseReading(_ channel: any Channel) {
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        whenReady {
            channel.eventLoop.execute { try? channel.syncOptions?.setOption(.autoRead, value: true) }
        }
    }
}
