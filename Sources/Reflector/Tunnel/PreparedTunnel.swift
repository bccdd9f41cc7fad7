internal import LinkMeasurement
internal import NIOCore
internal import NIOPosix
internal import PacketIO

/// What a tunnel connection carries.
enum TunnelRole: Sendable {
    /// The client sends, we count.
    case sink(LiveSession)
    /// We send until the test's time is over.
    case source(LiveSession)
    /// Bytes of one iperf3 connection.
    case iperf(LiveSession, port: Int)
    /// Echo datagrams, each preceded by its length.
    case echo(LiveSession, AccessToken)

    var session: LiveSession {
        switch self {
        case .sink(let session), .source(let session), .iperf(let session, _), .echo(let session, _): session
        }
    }
}

/// A tunnel that has all it needs to start, but has not answered its `tunnel_open` yet.
struct PreparedTunnel: Sendable {
    let role: TunnelRole
    /// The connection to iperf3, made before `ok` is sent to the client.
    private let partner: (any Channel)?
    private let packetsPerSecond: Int

    static func make(_ role: TunnelRole, on channel: any Channel, packetsPerSecond: Int) async throws -> PreparedTunnel
    {
        guard case .iperf(_, let port) = role else {
            return PreparedTunnel(role: role, partner: nil, packetsPerSecond: packetsPerSecond)
        }
        // On the tunnel's own event loop, so that the two sides call each other without a hop.
        let partner = try await ClientBootstrap(group: channel.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.recvAllocator, value: TunnelBuffers.receiveAllocator)
            .channelOption(.writeBufferWaterMark, value: TunnelBuffers.waterMark)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(.seconds(5))
            .connect(host: "127.0.0.1", port: port)
            .get()
        return PreparedTunnel(role: role, partner: partner, packetsPerSecond: packetsPerSecond)
    }

    /// On the channel's event loop.
    func install(on channel: any Channel) throws {
        try TunnelBuffers.tune(channel)
        let pipeline = channel.pipeline.syncOperations
        switch role {
        case .sink(let session):
            let framing = session.params.bitrateBps == nil ? FlowMeter.Framing.fullRecords : .anyRecords
            try pipeline.addHandler(WireMeter(session.up, framing), position: .first)
            try pipeline.addHandler(ByteSinkHandler(TunnelMeter(session, .up, of: channel)))
        case .source(let session):
            try pipeline.addHandler(
                ByteSourceHandler(
                    duration: .seconds(Int64(session.params.durationSec)),
                    bytesPerSecond: session.params.bytesPerSecond(ofEachOf: session.streams),
                    meter: TunnelMeter(session, .down),
                    strays: TunnelMeter(session, .up, of: channel)
                )
            )
        case .iperf(let session, _):
            guard let partner else { throw ChannelError.alreadyClosed }
            try SpliceHandler.join(
                channel,
                partner,
                forward: TunnelMeter(session, .up, of: channel),
                backward: TunnelMeter(session, .down)
            )
        case .echo(let session, let token):
            try pipeline.addHandler(
                TunnelEchoHandler(session: session, token: token, packetsPerSecond: packetsPerSecond)
            )
        }
    }

    func abandon() {
        partner?.close(mode: .all, promise: nil)
    }
}
