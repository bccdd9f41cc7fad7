internal import Foundation
internal import Identity
internal import Logging
internal import Operations

@testable import LinkMeasurement
@testable import Reflector

/// The tests of a reflector without its server: their requests and ends come in the order that a test of ours wants.
struct TestRegistry {
    let sessions: SessionRegistry
    let peer: EndpointID
    private let audit: ServerAudit
    private let folder: String

    static func with(_ mode: DataMode, _ body: (TestRegistry) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "tr-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(TestRegistry(mode, folder: folder))
    }

    private init(_ mode: DataMode, folder: String) throws {
        let identity = try ServerIdentity(key: IdentityKey(), applicationProtocols: [])
        self.folder = folder
        self.peer = IdentityKey().endpointID
        self.audit = ServerAudit(
            log: try AuditLog.open(
                path: folder + "/audit.jsonl",
                signing: AuditTrust.signing(with: identity, keyPath: folder + "/identity.ed25519"),
                layout: .reflector
            ).log,
            endpoint: identity.current.endpointID
        )
        self.sessions = SessionRegistry(
            settings: SessionRegistry.Settings(
                mode: mode,
                dataPorts: 30_000...30_010,
                iperfPath: "iperf3",
                stateFolder: folder,
                echoPacketsPerSecond: 1
            ),
            governor: try Governor(
                database: ReflectorDatabase.open(inFolder: folder),
                quotas: Quotas(),
                mode: mode,
                authorizedPeers: [peer],
                clock: .system
            ),
            audit: audit,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    func request(_ request: SessionRequest, at localAddress: String = "127.0.0.1") async -> LinkMessage {
        await sessions.request(
            request,
            from: SessionRegistry.Requester(
                peer: peer,
                address: "127.0.0.1",
                localAddress: localAddress,
                connection: .next(),
                hasNative: true
            )
        )
    }

    /// The reasons for which tests ended, from the audit log.
    func reasons() async throws -> [String] {
        await audit.close()
        let text = try String(contentsOfFile: folder + "/audit.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").compactMap {
            let line = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            guard line?["event_type"] as? String == AuditEvent.sessionCompleted.rawValue else { return nil }
            return line?["reason"] as? String
        }
    }
}
