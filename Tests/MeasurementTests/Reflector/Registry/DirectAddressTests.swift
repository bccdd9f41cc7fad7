internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Addresses of direct mode", .timeLimit(.minutes(3)))
struct DirectAddressTests {
    @Test(
        arguments: [
            SessionParameters(durationSec: 1, engine: .native),
            SessionParameters(durationSec: 1, engine: .iperf3),
            SessionParameters(durationSec: 1, transport: .udp, engine: .iperf3),
        ]
    )
    func `an address that cannot be bound is an error with its reason, not a reason to wait`(params: SessionParameters)
        async throws
    {
        try await TestRegistry.with(.directEphemeral) { registry in
            // No machine has an address in TEST-NET-1 (RFC 5737).
            let answer = await registry.request(
                SessionRequest(testType: .throughput, params: params),
                at: "192.0.2.1"
            )
            guard case .error(let error) = answer else {
                Issue.record("answered \(answer)")
                return
            }
            #expect(error.code == 503)
            #expect(error.message.contains("192.0.2.1"))
            #expect(error.message.contains("this machine has no such address"))
        }
    }
}
