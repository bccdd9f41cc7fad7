internal import LinkMeasurement
internal import NIOCore

extension TunnelMeter {
    /// One direction of a test.
    /// - Parameter channel: the tunnel inside TLS with these bytes, on its event loop.
    init(_ session: LiveSession, _ direction: StreamDirection, of channel: (any Channel)? = nil) {
        let socket = channel.flatMap(LinkSocket.counting)
        self.init(
            flow: direction == .up ? session.up : session.down,
            record: {
                socket?.value.counted($0)
                return session.record($0, direction)
            },
            whenReady: { session.allowance.whenFilled($0) }
        )
    }
}
