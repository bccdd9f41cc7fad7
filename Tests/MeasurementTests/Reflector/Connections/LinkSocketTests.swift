internal import Identity
internal import NIOCore
internal import NIOEmbedded
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Socket of a link")
struct LinkSocketTests {
    private static let block = 16 << 10
    private static let burst = 256 << 10

    /// A channel with the socket's handler, which has heard the beginning of a handshake that is none.
    private func with(_ body: (EmbeddedChannel, LinkSocket) throws -> Void) throws {
        var limits = ConnectionLimits()
        limits.controlBurst = Self.burst
        limits.controlBytesPerSecond = 1
        let ledger = ConnectionLedger(limits: limits)
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let id = ConnectionID.next()
        ledger.enter(id, from: try #require(InternetHost("192.0.2.1")), channel: channel)
        let socket = LinkSocket(id: id, ledger: ledger, budgets: ControlBudgets(limits: limits)) { _, _ in }
        try channel.pipeline.syncOperations.addHandler(socket)
        try channel.writeInbound(ByteBuffer(bytes: [0]))
        try body(channel, socket)
        ledger.leave(id)
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    /// Sends blocks until the channel closes, 4 MiB at most; the bytes that were taken.
    private func taken(_ channel: EmbeddedChannel, eachBlock: (Int) -> Void = { _ in }) throws -> Int {
        let bytes = ByteBuffer(repeating: 7, count: Self.block)
        var taken = 0
        while channel.isActive, taken < 4 << 20 {
            try channel.writeInbound(bytes)
            eachBlock(Self.block)
            channel.embeddedEventLoop.run()
            taken += Self.block
        }
        return taken
    }

    @Test func `a stranger's connection takes 192 KiB and no more, whatever it does`() throws {
        try with { channel, _ in
            let taken = try taken(channel)
            // The first byte of all is in it.
            #expect(
                (LinkSocket.mostUnauthorized...LinkSocket.mostUnauthorized + Self.block).contains(taken),
                "\(taken)"
            )
            #expect(!channel.isActive)
        }
    }

    @Test func `a connection that is being closed takes no more than its peer's budget`() throws {
        try with { channel, socket in
            socket.becomesControl(of: IdentityKey().endpointID, held: 0)
            // One that goes on is not read by those behind it.
            try channel.writeInbound(ByteBuffer(repeating: 7, count: Self.burst / 2))
            socket.closes()
            let taken = try taken(channel)
            #expect(taken == Self.burst / 2)
            #expect(!channel.isActive)
        }
    }

    @Test func `a tunnel takes what its test counts, and beyond twice of it no more than its peer's budget`() throws {
        try with { channel, socket in
            socket.becomesTunnel(of: IdentityKey().endpointID)
            let counted = try taken(channel) { socket.counted($0 / 2) }
            #expect(counted == 4 << 20)
            #expect(channel.isActive)
            let rest = try taken(channel)
            #expect((Self.burst...Self.burst + LinkSocket.tunnelSlack + Self.block).contains(rest), "\(rest)")
            #expect(!channel.isActive)
        }
    }
}
