internal import Foundation
internal import Identity
internal import Logging
internal import Operations
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Secrets of tests", .timeLimit(.minutes(5)))
struct SecretsTests {
    @Test(
        arguments: [DataMode.tunneled, .directEphemeral]
    )
    func `tokens and passwords of pairing and tests are in no log line, however verbose, and not in the audit log`(
        mode: DataMode
    ) async throws {
        let log = Lines()
        let logger = Logger(label: "reflector") { label in
            StandardErrorLog(label: label, level: .trace, format: .text, write: { log.add($0) })
        }
        try await TestReflector.with(logger: logger) {
            $0.mode = mode
        } _: { reflector in
            let offer = try await reflector.openPairing()
            var secrets = [offer.token]
            let client = try await reflector.connect(IdentityKey())
            #expect(try await client.pair(token: offer.token, label: nil).success)
            _ = try await client.hello()
            for engine in [ThroughputEngine.native, .iperf3] {
                let params = SessionParameters(durationSec: 60, streams: 1, engine: engine, latencyProbe: true)
                let grant = try await client.request(SessionRequest(testType: .throughput, params: params))
                secrets += [grant.token, try #require(grant.echo?.token)]
                if engine == .iperf3 { secrets.append(try #require(grant.credentials?.password)) }
                // A token that is good for nothing here is refused, and not repeated.
                let tunnel = try await reflector.connect(IdentityKey())
                await #expect(throws: LinkClientError.self) {
                    try await tunnel.open(TunnelOpen(testID: grant.testID, token: grant.token)) { _ in }
                }
                try await client.close(grant.testID)
            }
            await client.close()
            let ended = try await reflector.audit(.sessionCompleted, count: 2)
            #expect(ended.count == 2)
            let audit = try String(contentsOfFile: reflector.configuration.auditLogPath, encoding: .utf8)
            let lines = log.text
            #expect(lines.contains("session ended"))
            for secret in secrets {
                #expect(!lines.lowercased().contains(secret.lowercased()))
                #expect(!audit.lowercased().contains(secret.lowercased()))
            }
        }
    }

    private final class Lines: Sendable {
        private let bytes = Mutex<[UInt8]>([])

        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

        func add(_ line: [UInt8]) { bytes.withLock { $0 += line } }
    }
}
