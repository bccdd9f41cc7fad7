internal import Foundation
internal import Identity
internal import NIOCore
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// A peer that is removed while it measures.
@Suite("Removal during a test", .timeLimit(.minutes(5)))
struct RemovedPeerTests {
    @Test(
        arguments: [ThroughputEngine.native, .iperf3]
    )
    func `a direct stream of a removed peer ends, and its port is closed`(engine: ThroughputEngine) async throws {
        try await withPairedPeer(.directEphemeral) { reflector, _, client, remove in
            let params = SessionParameters(durationSec: 60, streams: 1, reverse: true, engine: engine)
            let grant = try await client.request(SessionRequest(testType: .throughput, params: params))
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            let stream = try Socket.connectTCP(target)
            if engine == .native {
                let token = try #require(AccessToken(hex: grant.token))
                try StreamPreface(direction: .down, index: 0, token: token).send(on: stream)
            } else {
                // iperf3's cookie: the connection is let in.
                let cookie = [UInt8](repeating: 0x61, count: 36) + [0]
                #expect(send(stream.raw, cookie, cookie.count, Int32(MSG_NOSIGNAL)) == cookie.count)
            }
            // Never waits in the kernel: the reflector runs on the same few threads.
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let raw = stream.raw
            func read() -> Int { recv(raw, &bytes, bytes.count, Int32(MSG_DONTWAIT)) }
            try await eventually("the reflector sends") { read() > 0 ? true : nil }
            try await remove()
            // What is under way still arrives; then it is over, long before the test would be.
            try await eventually("the stream ends") {
                var count = read()
                while count > 0 { count = read() }
                return count == 0 || errno != EAGAIN ? true : nil
            }
            stream.shutDown()
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["reason"] as? String == "peer_removed")
            // Somebody else on this machine may have been given the number meanwhile.
            try await eventually("the port is closed") { (try? Socket.connectTCP(target)) == nil ? true : nil }
        }
    }

    @Test func `a removed peer's tunnel is closed, and its token opens no other`() async throws {
        try await withPairedPeer(.tunneled) { reflector, key, client, remove in
            let grant = try await client.request(
                SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 60))
            )
            let open = TunnelOpen(testID: grant.testID, token: grant.token)
            let tunnel = try await reflector.connect(key)
            try await tunnel.open(open) { _ in }
            try await remove()
            try await tunnel.channel.closeFuture.get()
            let again = try await reflector.connect(key)
            await #expect(throws: LinkClientError.self) { try await again.open(open) { _ in } }
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["reason"] as? String == "peer_removed")
        }
    }

    private func withPairedPeer(
        _ mode: DataMode,
        _ body: (TestReflector, IdentityKey, LinkClient, _ remove: () async throws -> Void) async throws -> Void
    ) async throws {
        let key = IdentityKey()
        try await TestReflector.with {
            $0.mode = mode
        } _: { reflector in
            let offer = try await reflector.openPairing()
            let client = try await reflector.connect(key)
            #expect(try await client.pair(token: offer.token, label: nil).success)
            _ = try await client.hello()
            try await body(reflector, key, client) {
                let reply = try await reflector.ask(.removePeer(key.endpointID))
                #expect(reply == .done)
            }
        }
    }
}
