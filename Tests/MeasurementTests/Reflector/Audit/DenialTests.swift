internal import Foundation
internal import Identity
internal import Logging
internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("What a known peer can have written down", .timeLimit(.minutes(3)))
struct DenialTests {
    private static let wrong = SessionRequest(testType: .throughput, params: SessionParameters(durationSec: -1))

    @Test
    func
        `thousands of denied tests of one peer leave a bounded number of lines, whose sum is right; others have theirs`()
        async throws
    {
        let asked = 2_000
        let folder = NSTemporaryDirectory() + "denial-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (key, other) = (IdentityKey(), IdentityKey())
        let reflector = try await TestReflector.start(in: folder, peers: [key.endpointID, other.endpointID])
        do {
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                for _ in 0..<asked / 10 {
                    try await peer.send(.sessionRequest(Self.wrong), id: "1", times: 10)
                    for _ in 0..<10 { #expect(await peer.next()?.payload.type == "session_deny") }
                }
            }
            let client = try await reflector.connect(other)
            guard case .sessionDeny = try await client.ask(.sessionRequest(Self.wrong)) else {
                Issue.record("granted")
                return
            }
            await client.close()
        } catch {
            await reflector.stop()
            throw error
        }
        await reflector.stop()
        let lines = try reflector.audit(.sessionDenied)
        #expect(lines.count { $0["peer_id"] as? String == other.endpointID.description } == 1)
        let own = lines.filter { $0["peer_id"] as? String == key.endpointID.description }
        let sums = own.compactMap { ($0["params"] as? [String: Any])?["suppressed"] as? Int }
        // A machine that takes minutes for them writes three more and a sum for each.
        #expect((49...70).contains(own.count), "\(own.count) lines")
        #expect(own.count - sums.count + sums.reduce(0, +) == asked)
        #expect(try LocalState.verifyAudit(reflector.configuration).isIntact)
    }

    @Test func `failures that a peer can repeat have the same budget in the server's log, each peer its own`()
        async throws
    {
        var budgets = DenialBudgets(each: RefusalBudget(burst: 2, refill: 10, window: .seconds(1)))
        let peers = (0..<200).map { _ in IdentityKey().endpointID }
        for peer in peers {
            let written = (0..<5).map { _ in budgets.decide(peer, now: 100, time: 1) == .write }
            #expect(written == [true, true, false, false, false])
        }
        // None is dropped that has something to sum up.
        let sums = budgets.takeSuppressed()
        #expect(sums.count == 200 && sums.values.allSatisfy { $0.count == 3 })
        // Those that are full again make room, and are as new ones would be.
        let late = budgets.decide(peers[0], now: 1_000, time: 1)
        #expect(late == .write)
    }

    @Test func `a known peer that connects on and on waits for its budget, and so do the lines of its connections`()
        async throws
    {
        let (key, other) = (IdentityKey(), IdentityKey())
        try await TestReflector.with(peers: [key.endpointID, other.endpointID]) {
            $0.limits.controlBurst = 8 << 10
            $0.limits.controlBytesPerSecond = 1
            $0.limits.firstFrameTimeoutSec = 3
        } _: { reflector in
            var served = 0
            for _ in 0..<8 {
                let client = try await reflector.connect(key)
                if (try? await client.hello()) != nil { served += 1 }
                await client.close()
            }
            #expect((1...4).contains(served), "\(served)")
            #expect(try reflector.audit(.connectionAccepted).count <= 4)
            let client = try await reflector.connect(other)
            _ = try await client.hello()
            await client.close()
        }
    }
}
