internal import Foundation
internal import Identity
internal import Logging
internal import Operations
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
        let folder = NSTemporaryDirectory() + "da-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let identity = try ServerIdentity(key: IdentityKey(), applicationProtocols: [])
        let audit = ServerAudit(
            log: try AuditLog.open(
                path: folder + "/audit.jsonl",
                signing: AuditTrust.signing(with: identity, keyPath: folder + "/identity.ed25519"),
                layout: .reflector
            ).log,
            endpoint: identity.current.endpointID
        )
        let peer = IdentityKey().endpointID
        let sessions = SessionRegistry(
            settings: SessionRegistry.Settings(
                mode: .directEphemeral,
                dataPorts: 30_000...30_010,
                iperfPath: "iperf3",
                stateFolder: folder,
                echoPacketsPerSecond: 1
            ),
            governor: try Governor(
                database: ReflectorDatabase.open(inFolder: folder),
                quotas: Quotas(),
                mode: .directEphemeral,
                authorizedPeers: [peer],
                clock: .system
            ),
            audit: audit,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let answer = await sessions.request(
            SessionRequest(testType: .throughput, params: params),
            // No machine has an address in TEST-NET-1 (RFC 5737).
            from: SessionRegistry.Requester(
                peer: peer,
                address: "192.0.2.2",
                localAddress: "192.0.2.1",
                connection: .next(),
                hasNative: true
            )
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
