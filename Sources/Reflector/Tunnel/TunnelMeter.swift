internal import NIOCore

/// Counts what a tunnel's handler moves, and says whether it may go on.
struct TunnelMeter: Sendable {
    enum Verdict: Sendable {
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
    let whenReady: @Sendable (@escaping @Sendable () -> Void) -> Void

    /// Counts only: nothing holds a client back.
    init(counting flow: FlowMeter) {
        self.flow = flow
        self.record = {
            flow.record($0, at: NIODeadline.now().uptimeNanoseconds)
            return .go
        }
        self.whenReady = { $0() }
    }

    /// One direction of a test.
    /// - Parameter channel: a tunnel inside TLS whose bytes these are, on its event loop.
    init(_ session: LiveSession, _ direction: StreamDirection, of channel: (any Channel)? = nil) {
        self.flow = direction == .up ? session.up : session.down
        let socket = channel.flatMap(LinkSocket.counting)
        self.record = {
            socket?.value.counted($0)
            return session.record($0, direction)
        }
        self.whenReady = { session.allowance.whenFilled($0) }
    }

    /// Stops reading until the handler may go on.
    func pauseReading(_ channel: any Channel) {
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        whenReady {
            channel.eventLoop.execute { try? channel.syncOptions?.setOption(.autoRead, value: true) }
        }
    }
}
