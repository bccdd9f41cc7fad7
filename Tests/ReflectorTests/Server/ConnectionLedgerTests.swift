import Identity
import NIOCore
import NIOEmbedded
import PacketIO
import Testing

@testable import Reflector

@Suite("Connection ledger")
struct ConnectionLedgerTests {
    private let peer = IdentityKey().endpointID

    @Test("a peer that is removed while it is being admitted loses that connection too")
    func removedWhileAdmitted() throws {
        let ledger = ConnectionLedger(limits: ConnectionLimits())
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let id = ConnectionID.next()
        #expect(ledger.enter(id, from: try #require(InternetHost("192.0.2.1")), channel: channel))
        ledger.identify(id, as: peer)
        ledger.drop(peer)
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
    }

    @Test("out of descriptors, the oldest stranger goes and nobody that is authorised")
    func evictsOldest() throws {
        let ledger = ConnectionLedger(limits: ConnectionLimits())
        let ids = [ConnectionID.next(), .next(), .next()]
        let channels = ids.map { _ in EmbeddedChannel() }
        for (id, channel) in zip(ids, channels) {
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            #expect(ledger.enter(id, from: try #require(InternetHost("192.0.2.1")), channel: channel))
        }
        #expect(ledger.authorise(ids[0], as: peer))
        #expect(ledger.evictOldest())
        for channel in channels { channel.embeddedEventLoop.run() }
        #expect(channels.map(\.isActive) == [true, false, true])
        #expect(ledger.evictOldest())
        #expect(!ledger.evictOldest())
    }
}
