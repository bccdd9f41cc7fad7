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
    /// Echo datagrams, each behind its length.
    case echo(LiveSession, AccessToken)

    var session: LiveSession {
        switch self {
        case .sink(let session), .source(let session), .iperf(let session, _), .echo(let session, _): session
        }
    }
}

/// A tunnel that has all it needs to begin, but has not answered its `tunnel_open` yet.
struct PreparedTunnel: Sendable {
    let role: TunnelRole
    /// The connection to iperf3, made before the client is told that the tunnel is open.
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

/// Sizes that carry gigabits: few, large reads and writes.
package enum TunnelBuffers {
    /// Bytes of one read from the socket.
    static let readSize = 256 << 10
    /// Bytes of one write of a native test.
    static let writeSize = 256 << 10
    /// Reads in a row of one connection before its event loop looks at the others.
    static let readsPerRound: UInt = 4
    /// Writes in a row of one connection before its event loop looks at the others: some milliseconds. With a look after each four of them
    /// one stream carried a fifth less.
    static let writesPerRound = 32
    static let receiveAllocator = FixedSizeRecvByteBufferAllocator(capacity: readSize)
    /// Enough for the kernel to be busy while the next write is sealed.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

    /// Bytes that the kernel keeps unsent (`TCP_NOTSENT_LOWAT`, which Glibc does not name).
    static let notSentLowWater = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 25))

    /// Prepares a connection for bulk; on its event loop.
    static func tune(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.recvAllocator, value: receiveAllocator)
        try options.setOption(.maxMessagesPerRead, value: readsPerRound)
        try options.setOption(.writeBufferWaterMark, value: waterMark)
    }
}
