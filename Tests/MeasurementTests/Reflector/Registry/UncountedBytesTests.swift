internal import Foundation
internal import Identity
internal import NIOCore
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// Bytes that a peer sends where none are expected.
@Suite("Bytes that no test asked for", .timeLimit(.minutes(3)))
struct UncountedBytesTests {
    @Test func `a tunnel that only sends ends at the first byte that comes, and counts it`() async throws {
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

    @Test func `a peer's control bytes have one budget, both ways, and others are served when it is spent`()
        async throws
    {
        let (key, other) = (IdentityKey(), IdentityKey())
        try await TestReflector.with(peers: [key.endpointID, other.endpointID]) {
            $0.limits.controlBurst = 256 << 10
            $0.limits.controlBytesPerSecond = 1
        } _: { reflector in
            // Two connections, one after the other: reconnecting begins no new budget.
            let answered = Count()
            for _ in 0..<2 {
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                            // Refused at once; more than the budget in all.
                            try await peer.send(.ok, id: "i", times: 20_000)
                            while await peer.next() != nil { answered.add() }
                        }
                    }
                    var before = -1
                    try await eventually("it stands still") {
                        try await Task.sleep(for: .milliseconds(500))
                        let now = answered.value
                        defer { before = now }
                        return now == before && now > 0 ? true : nil
                    }
                    group.cancelAll()
                    while await group.nextResult() != nil {}
                }
            }
            // Some 75 bytes up and 120 down for each.
            let count = answered.value
            #expect((1...4_000).contains(count), "\(count) answers for 256 KiB")
            let metrics = try await HealthTests.get(reflector, "/metrics")
            let line = metrics.split(separator: "\n").first { $0.hasPrefix("reflector_control_bytes_total ") }
            let bytes = try #require(line.flatMap { Double($0.split(separator: " ")[1].filter { !$0.isWhitespace }) })
            #expect((256.0 * 1_024...2 * 1_024 * 1_024).contains(bytes), "\(bytes) control bytes")
            let client = try await reflector.connect(other)
            _ = try await client.status()
            await client.close()
        }
    }

    @Test
    func
        `what TLS carries besides a tunnel's payload is the peer's, and ends the tunnel when the peer has spent its budget`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.limits.controlBurst = 256 << 10
            $0.limits.controlBytesPerSecond = 1
        } _: { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            let params = SessionParameters(durationSec: 30, streams: 1, engine: .native)
            let grant = try await client.request(SessionRequest(testType: .throughput, params: params))
            let records = 60_000
            let sent = try await RawPeer.withTLS(reflector, .endpoint(key)) { tunnel in
                try await tunnel.send(.tunnelOpen(TunnelOpen(testID: grant.testID, token: grant.token)))
                #expect(await tunnel.next()?.payload == .ok)
                for record in 0..<records {
                    do { try await tunnel.send([7]) } catch { return record }
                }
                return await tunnel.next() == nil ? records : .max
            }
            #expect(sent <= records)
            // 23 bytes each, of which two are the test's.
            let result = try await eventually("the tunnel's bytes are counted") {
                let entry = try reflector.audit(.sessionCompleted)
                if !entry.isEmpty { return entry[0]["bytes_received"] as? Int }
                // The owner's control connection waits for the same budget, so the test ends with it.
                try? await client.channel.close().get()
                return nil
            }
            #expect((5_000..<records / 2).contains(result), "\(result) of \(records)")
        }
    }
}

/// A number that many tasks count up.
private final class Count: Sendable {
    private let number = Mutex(0)

    var value: Int { number.withLock { $0 } }

    func add() { number.withLock { $0 += 1 } }
}
