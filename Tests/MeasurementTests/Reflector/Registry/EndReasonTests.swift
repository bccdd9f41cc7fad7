internal import Testing

@testable import LinkMeasurement
@testable import Reflector

/// What ends a test shows before the test has ended: a peer whose tunnel is refused closes its test, and an iperf3
/// whose connection is cut exits.
@Suite("The reason of a test's end", .timeLimit(.minutes(3)))
struct EndReasonTests {
    @Test func `a test that its peer closes when the shutdown has closed the port was ended by the shutdown`()
        async throws
    {
        try await TestRegistry.with(.tunneled) { registry in
            let grant = try await granted(registry)
            await registry.sessions.willShutDown()
            #expect(await registry.sessions.close(grant.testID, by: registry.peer) == nil)
            await registry.sessions.shutdown()
            #expect(try await registry.reasons() == ["server_shutdown"])
        }
    }

    @Test func `a test whose peer is removed was ended by that, whatever its closed connections cause`() async throws {
        try await TestRegistry.with(.tunneled) { registry in
            let grant = try await granted(registry)
            await registry.sessions.peerWillBeRemoved(registry.peer)
            await registry.sessions.end(grant.testID, .processExited)
            await registry.sessions.peerRemoved(registry.peer)
            #expect(try await registry.reasons() == ["peer_removed"])
        }
    }

    @Test func `a test that ended before is not the shutdown's`() async throws {
        try await TestRegistry.with(.tunneled) { registry in
            let grant = try await granted(registry)
            #expect(await registry.sessions.close(grant.testID, by: registry.peer) == nil)
            await registry.sessions.shutdown()
            #expect(try await registry.reasons() == ["closed"])
        }
    }

    private func granted(_ registry: TestRegistry) async throws -> SessionGrant {
        let answer = await registry.request(
            SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 60))
        )
        guard case .sessionGrant(let grant) = answer else { throw TestFailure("answered \(answer)") }
        return grant
    }
}
