internal import Identity
internal import NIOCore
internal import NIOEmbedded
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Connection ledger")
struct ConnectionLedgerTests {
    private let peer = IdentityKey().endpointID

    @Test func `a peer that is removed while it is being admitted loses that connection too`() throws {
        let ledger = ConnectionLedger(limits: ConnectionLimits())
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let id = ConnectionID.next()
        ledger.enter(id, from: try #require(InternetHost("192.0.2.1")), channel: channel)
        ledger.identify(id, as: peer)
        ledger.drop(peer)
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
    }

    @Test func `out of descriptors, the oldest stranger is evicted and no authorized peer`() throws {
        let ledger = ConnectionLedger(limits: ConnectionLimits())
        let ids = [ConnectionID.next(), .next(), .next()]
        let channels = ids.map { _ in EmbeddedChannel() }
        for (id, channel) in zip(ids, channels) {
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            ledger.enter(id, from: try #require(InternetHost("192.0.2.1")), channel: channel)
        }
        #expect(ledger.authorize(ids[0], as: peer) == .authorized)
        #expect(ledger.evictOldest())
        for channel in channels { channel.embeddedEventLoop.run() }
        #expect(channels.map(\.isActive) == [true, false, true])
        #expect(ledger.evictOldest())
        #expect(!ledger.evictOldest())
    }

    @Test
    func
        `when all slots are taken, a new connection gets the oldest stranger's, from whatever address, and never a peer's`()
        throws
    {
        var limits = ConnectionLimits()
        limits.maxConnections = 2
        limits.maxUnauthorized = 2
        let ledger = ConnectionLedger(limits: limits)
        var channels: [EmbeddedChannel] = []
        var ids: [ConnectionID] = []
        func comes() throws {
            let channel = EmbeddedChannel()
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            channels.append(channel)
            ids.append(.next())
            let host = try #require(InternetHost("192.0.2.\(ids.count)"))
            ledger.enter(ids[ids.count - 1], from: host, channel: channel)
            for channel in channels { channel.embeddedEventLoop.run() }
        }
        try comes()
        #expect(ledger.authorize(ids[0], as: peer) == .authorized)
        for _ in 0..<3 { try comes() }
        #expect(channels.map(\.isActive) == [true, false, true, true])
        #expect(ledger.counts.silent == 2 && ledger.counts.authorized == 1)
        #expect(ledger.authorize(ids[1], as: peer) == .gone)
        #expect(ledger.authorize(ids[2], as: peer) == .authorized)
        // Known peers hold all of their slots; a new connection still gets an answer that says so.
        #expect(ledger.authorize(ids[3], as: peer) == .full)
        try comes()
        #expect(channels.map(\.isActive) == [true, false, true, true, true])
        #expect(ledger.counts.evicted == 1 && ledger.counts.accepted == 5)
    }
}
