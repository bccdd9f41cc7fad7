import Foundation
import Identity
import NIOCore
import Testing

@testable import Reflector

/// Bytes that a peer sends where none are expected.
@Suite("Bytes that nobody asked for", .timeLimit(.minutes(3)))
struct UncountedBytesTests {
    @Test("a tunnel that only sends ends at the first byte that comes, and counts it")
    func reverseTunnel() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            let grant = try await client.request(
                SessionRequest(
                    testType: .throughput,
                    params: SessionParameters(
                        durationSec: 30,
                        streams: 1,
                        reverse: true,
                        bitrateBps: 8_000,
                        engine: .native
                    )
                )
            )
            let ends = try await RawPeer.withTLS(reflector, .endpoint(key)) { tunnel in
                try await tunnel.send(.tunnelOpen(TunnelOpen(testID: grant.testID, token: grant.token)))
                #expect(await tunnel.next()?.payload == .ok)
                let block = [UInt8](repeating: 7, count: 1 << 20)
                // The reflector's own bytes are not read here, so the end is seen by what cannot be sent any more.
                for _ in 0..<64 {
                    do { try await tunnel.send(block) } catch { return true }
                }
                return false
            }
            #expect(ends, "64 MiB were taken by a tunnel that only sends")
            try await client.close(grant.testID)
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            // What was counted is what one round of reading brings, and the rest was not read.
            let received = try #require(completed["bytes_received"] as? Int)
            #expect((1...4 << 20).contains(received), "\(received)")
            let status = try await client.status()
            #expect(status.bytesToday >= received)
            await client.close()
        }
    }
}
