import Foundation
import Identity
import PacketIO
import Testing

@testable import Reflector

@Suite("Ports of direct mode", .timeLimit(.minutes(3)), .serialized)
struct DirectPortTests {
    @Test(
        "the echo answers the granted token from the peer's address, and nobody else",
        arguments: ["127.0.0.1", "::1"]
    )
    func echo(host: String) async throws {
        try await withGrant(host, SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 10))) {
            reflector,
            client,
            grant in
            let target = InternetAddress(try #require(InternetHost(host)), port: UInt16(grant.port))
            let token = try #require(AccessToken(hex: grant.token))
            #expect(try await received(target, token: .random()) == 0)
            if host == "127.0.0.1" {
                #expect(try await received(target, token: token, from: InternetHost("127.0.0.2")) == 0)
            }
            #expect(try await received(target, token: token) == 20)
            // The first port that presented the token is the only one from then on.
            #expect(try await received(target, token: token) == 0)
            try await client.close(grant.testID)
            let report = try #require(try await client.result(of: grant.testID).echo)
            #expect(report.replied == 20)
            // The port lives as long as the test.
            #expect(throws: (any Error).self) {
                let again = try Socket.bindUDP(target)
                _ = again.raw
                throw TestFailure("free")
            }
        }
    }

    @Test("a native port takes the peer's streams with the token; strangers are closed and cost nothing")
    func native() async throws {
        let request = SessionRequest(
            testType: .throughput,
            params: SessionParameters(durationSec: 5, streams: 1, reverse: true, engine: .native)
        )
        try await withGrant("127.0.0.1", request) { reflector, client, grant in
            // No preface, garbage, a wrong token, the wrong direction: closed without a byte.
            let token = try #require(AccessToken(hex: grant.token))
            let prefaces: [[UInt8]] = [
                Array(repeating: 0x41, count: 24),
                StreamPreface(direction: .down, index: 0, token: .random()).bytes,
                StreamPreface(direction: .up, index: 0, token: token).bytes,
                StreamPreface(direction: .down, index: 9, token: token).bytes,
            ]
            for preface in prefaces {
                let isSilent = try await RawPeer.withTCP(reflector, port: grant.port) { peer in
                    try await peer.send(preface)
                    return await peer.endsSilently()
                }
                #expect(isSilent)
            }
            let result = try await client.result(of: grant.testID)
            #expect(result.bytesDown == 0)
            try await client.close(grant.testID)
        }
    }

    @Test("a stranger on a direct iperf3 port is refused, and the peer still gets its test")
    func iperf() async throws {
        let request = SessionRequest(
            testType: .throughput,
            params: SessionParameters(durationSec: 5, streams: 1, engine: .iperf3)
        )
        try await withGrant("127.0.0.1", request) { _, client, grant in
            let credentials = try #require(grant.credentials)
            #expect(credentials.publicKey.contains("BEGIN PUBLIC KEY"))
            let stranger = try await ChildProcessRun.iperf(["-c", "127.0.0.1", "-p", "\(grant.port)", "-t", "1", "-J"])
            #expect(stranger.contains("\"error\""))
            #expect(!stranger.contains("\"sum_received\""))
            let bytes = try await client.result(of: grant.testID)
            #expect(bytes.bytesUp + bytes.bytesDown < 1_000_000)
        }
    }

    private func received(_ target: InternetAddress, token: AccessToken, from local: InternetHost? = nil) async throws
        -> Int
    {
        var plan = EchoProbePlan(target: target, token: token, count: 20)
        plan.interval = 1_000_000
        plan.grace = 200_000_000
        plan.local = local
        return try await EchoProber(plan).samples().received
    }

    private func withGrant(
        _ host: String,
        _ request: SessionRequest,
        _ body: (TestReflector, LinkClient, SessionGrant) async throws -> Void
    ) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID], host: host) {
            $0.mode = .directEphemeral
        } _: { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            let grant = try await client.request(request)
            #expect(grant.mode == .directEphemeral)
            #expect(reflector.configuration.dataPorts.contains(grant.port))
            try await body(reflector, client, grant)
            await client.close()
        }
    }
}
