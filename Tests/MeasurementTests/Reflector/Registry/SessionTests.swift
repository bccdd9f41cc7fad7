internal import Foundation
internal import Identity
internal import NIOCore
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Sessions", .timeLimit(.minutes(3)))
struct SessionTests {
    static let echo = SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 60))

    @Test func `of many simultaneous requests for the last slot one is granted and the others are denied as busy`()
        async throws
    {
        let keys = (0..<6).map { _ in IdentityKey() }
        try await TestReflector.with(peers: keys.map(\.endpointID)) { reflector in
            let clients = try await withThrowingTaskGroup { group in
                for key in keys { group.addTask { try await reflector.connect(key) } }
                return try await group.reduce(into: [LinkClient]()) { $0.append($1) }
            }
            let answers = try await withThrowingTaskGroup { group in
                for client in clients { group.addTask { try await client.ask(.sessionRequest(Self.echo)) } }
                return try await group.reduce(into: [LinkMessage]()) { $0.append($1) }
            }
            #expect(answers.count { $0.type == "session_grant" } == 1)
            let denials = answers.compactMap { if case .sessionDeny(let deny) = $0 { deny } else { nil } }
            #expect(denials.count == 5)
            #expect(denials.allSatisfy { $0.reason == .busy && ($0.retryAfterSec ?? 0) > 0 })
            #expect(try reflector.audit(.sessionGranted).count == 1)
            #expect(
                try await reflector.audit(.sessionDenied, count: 5).allSatisfy { $0["reason"] as? String == "busy" }
            )
        }
    }

    @Test func `no peer closes, opens or reads another's test`() async throws {
        let (owner, other) = (IdentityKey(), IdentityKey())
        try await TestReflector.with(peers: [owner.endpointID, other.endpointID]) { reflector in
            let mine = try await reflector.connect(owner)
            let grant = try await mine.request(Self.echo)
            let theirs = try await reflector.connect(other)
            await #expect(throws: LinkClientError.self) { try await theirs.close(grant.testID) }
            await #expect(throws: LinkClientError.self) { try await theirs.result(of: grant.testID) }
            let tunnel = try await reflector.connect(other)
            await #expect(throws: LinkClientError.self) {
                try await tunnel.open(TunnelOpen(testID: grant.testID, token: grant.token)) { _ in }
            }
            #expect(try await mine.status().activeTest == grant.testID)
            #expect(try await theirs.status().activeTest == nil)
            #expect(try await theirs.status().testsToday == 0)
            try await mine.close(grant.testID)
            #expect(try await mine.result(of: grant.testID).endReason == "closed")
            await #expect(throws: LinkClientError.self) { try await theirs.result(of: grant.testID) }
        }
    }

    @Test func `a tunnel needs the right token, and no test takes more tunnels than it has streams for`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            let grant = try await client.request(
                SessionRequest(
                    testType: .throughput,
                    params: SessionParameters(durationSec: 60, streams: 1, engine: .native)
                )
            )
            for token in ["", "zz", String(repeating: "0", count: 32), grant.token + "00"] {
                let tunnel = try await reflector.connect(key)
                await #expect(throws: LinkClientError.self) {
                    try await tunnel.open(TunnelOpen(testID: grant.testID, token: token)) { _ in }
                }
            }
            var open: [LinkClient] = []
            for _ in 0..<4 {
                let tunnel = try await reflector.connect(key)
                try await tunnel.open(TunnelOpen(testID: grant.testID, token: grant.token)) { _ in }
                open.append(tunnel)
            }
            let tooMany = try await reflector.connect(key)
            await #expect(throws: LinkClientError.self) {
                try await tooMany.open(TunnelOpen(testID: grant.testID, token: grant.token)) { _ in }
            }
            try await client.close(grant.testID)
            // The end of a test ends its tunnels.
            for tunnel in open { try await tunnel.channel.closeFuture.get() }
        }
    }

    @Test func `a test ends by itself when its owner goes away, after the grace`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.request(SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 60)))
            await client.close()
            let completed = try await reflector.audit(.sessionCompleted, count: 1)
            #expect(completed[0]["reason"] as? String == "owner_gone")
        }
    }

    @Test func `a test that is never closed expires, and its slot is free again`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            let grant = try await client.request(
                SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 1))
            )
            let completed = try await reflector.audit(.sessionCompleted, count: 1)
            #expect(completed[0]["reason"] as? String == "expired")
            #expect(completed[0]["test_id"] as? String == grant.testID)
            let second = try await client.request(Self.echo)
            try await client.close(second.testID)
        }
    }

    @Test func `numbers at the edges of what can be written neither trap nor open anything`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            for number in [Int.min, -1, 0, 1 << 40, 1 << 62, Int.max] {
                for type in TestType.allCases {
                    for field in 0..<4 {
                        var params = SessionParameters(durationSec: 1)
                        switch field {
                        case 0: params.streams = number
                        case 1: params.bitrateBps = number
                        case 2: params.durationSec = number
                        default: params.waitSec = number
                        }
                        let answer = try await client.ask(
                            .sessionRequest(SessionRequest(testType: type, params: params))
                        )
                        if case .sessionGrant(let grant) = answer {
                            let tunnel = try await reflector.connect(key)
                            try? await tunnel.open(TunnelOpen(testID: grant.testID, token: grant.token)) { _ in }
                            try await client.close(grant.testID)
                        }
                    }
                }
            }
            _ = try await client.status()
        }
    }

    @Test func `removing a peer ends its test`() async throws {
        let key = IdentityKey()
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            let client = try await reflector.connect(key)
            #expect(try await client.pair(token: offer.token, label: nil).success)
            _ = try await client.request(Self.echo)
            #expect(try await reflector.ask(.removePeer(key.endpointID)) == .done)
            #expect(try await reflector.audit(.sessionCompleted, count: 1)[0]["reason"] as? String == "peer_removed")
        }
    }

    @Test func `every deny reason comes with a sentence, and rate limits with the time to wait`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.quotas.allowThroughput = false
            $0.quotas.maxTestsPerHourPerPeer = 2
            $0.quotas.cooldownSec = 0
        } _: { reflector in
            let client = try await reflector.connect(key)
            let off = SessionRequest(testType: .throughput, params: SessionParameters(durationSec: 5))
            #expect(try await denial(client, off).reason == .invalidParams)
            for seconds in [0, -1, 61, Int.max] {
                let wrong = SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: seconds))
                let deny = try await denial(client, wrong)
                #expect(deny.reason == .invalidParams)
                #expect(deny.message.contains("1–60"))
            }
            for _ in 0..<2 {
                let grant = try await client.request(Self.echo)
                try await client.close(grant.testID)
            }
            let limited = try await denial(client, Self.echo)
            #expect(limited.reason == .rateLimited)
            #expect((3_500...3_600).contains(limited.retryAfterSec ?? 0))
        }
    }

    @Test func `the cooldown counts from the end of the last test, and survives a restart, as the hour's count does`()
        async throws
    {
        let folder = NSTemporaryDirectory() + "quota-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let key = IdentityKey()
        let configure: (inout ReflectorConfiguration) -> Void = {
            $0.quotas.cooldownSec = 600
            $0.quotas.maxTestsPerHourPerPeer = 5
        }
        var reflector = try await TestReflector.start(in: folder, peers: [key.endpointID], configure: configure)
        var client = try await reflector.connect(key)
        let grant = try await client.request(Self.echo)
        try await client.close(grant.testID)
        #expect(try await denial(client, Self.echo).reason == .rateLimited)
        await client.close()
        await reflector.stop()
        reflector = try await TestReflector.start(in: folder, peers: [key.endpointID], configure: configure)
        client = try await reflector.connect(key)
        let deny = try await denial(client, Self.echo)
        #expect(deny.reason == .rateLimited)
        #expect((300...600).contains(deny.retryAfterSec ?? 0))
        #expect(try await client.status().testsToday == 1)
        await client.close()
        await reflector.stop()
    }

    private func denial(_ client: LinkClient, _ request: SessionRequest) async throws -> SessionDeny {
        let answer = try await client.ask(.sessionRequest(request))
        guard case .sessionDeny(let deny) = answer else { throw TestFailure("granted: \(answer.type)") }
        #expect(!deny.message.isEmpty)
        return deny
    }
}
