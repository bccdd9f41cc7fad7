internal import Foundation
internal import Identity
internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Decisions that cannot be written down or carried out", .timeLimit(.minutes(5)))
struct UnwritableLogTests {
    @Test func `a peer is removed although the audit log cannot be written, and the command says so`() async throws {
        let key = IdentityKey()
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            let client = try await reflector.connect(key)
            #expect(try await client.pair(token: offer.token, label: nil).success)
            try FileManager.default.removeItem(atPath: reflector.configuration.auditLogPath)
            guard case .failed(let message) = try await reflector.ask(.removePeer(key.endpointID)) else {
                Issue.record("an unwritten removal was called a success")
                return
            }
            #expect(message.contains("was removed, BUT the removal is not in the audit log"), "\(message)")
            await #expect(throws: LinkClientError.self) { try await client.status() }
            #expect(try await reflector.ask(.listPeers) == .peers(PeerList(paired: [], configured: [])))
            let again = try await reflector.connect(key)
            await #expect(throws: LinkClientError.self) { try await again.hello() }
        }
    }

    @Test func `the identity is not rotated when that cannot be written down`() async throws {
        try await TestReflector.with { reflector in
            let path = reflector.configuration.privateKeyPath
            let seed = try Data(contentsOf: URL(fileURLWithPath: path))
            try FileManager.default.removeItem(atPath: reflector.configuration.auditLogPath)
            guard case .failed = try await reflector.ask(.rotateIdentity) else {
                Issue.record("rotated without a line")
                return
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == seed)
            #expect(
                try !FileManager.default.contentsOfDirectory(atPath: reflector.folder).contains { $0.contains(".old-") }
            )
            guard case .status(let status) = try await reflector.ask(.status) else { return }
            #expect(status.endpointID == reflector.started.endpointID)
        }
    }

    @Test func `a rotation whose key cannot be replaced leaves the old key in use, and a second line says so`()
        async throws
    {
        try await TestReflector.with { reflector in
            // The key is gone from its place, so it can neither be kept aside nor replaced.
            try FileManager.default.removeItem(atPath: reflector.configuration.privateKeyPath)
            guard case .failed = try await reflector.ask(.rotateIdentity) else {
                Issue.record("rotated without a key")
                return
            }
            let lines = try reflector.audit(.identityRotated)
            #expect(lines.map { $0["decision"] as? String } == ["allow", "deny"])
            #expect((lines[1]["reason"] as? String)?.contains("the old key stays") == true)
            #expect(lines.allSatisfy { $0["endpoint_id"] as? String == reflector.started.endpointID.description })
            guard case .status(let status) = try await reflector.ask(.status) else { return }
            #expect(status.endpointID == reflector.started.endpointID)
        }
    }

    @Test
    func
        `a pairing that cannot be stored is taken back in the log, the client gets an error, and its token stays valid`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            try await alter(
                reflector,
                "CREATE TRIGGER full BEFORE INSERT ON peer BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
            let client = try await reflector.connect(key)
            let refused = try await client.pair(token: offer.token, label: nil)
            #expect(!refused.success && refused.message.contains("could not store"))
            #expect(try reflector.audit(.peerPaired).count == 1)
            let removed = try reflector.audit(.peerRemoved)
            #expect(removed.count == 1 && removed[0]["peer_id"] as? String == key.endpointID.description)
            #expect((removed[0]["reason"] as? String)?.contains("could not be stored") == true)

            try await alter(reflector, "DROP TRIGGER full")
            let again = try await reflector.connect(key)
            #expect(try await again.pair(token: offer.token, label: nil).success)
            let third = try await reflector.connect(IdentityKey())
            await #expect(throws: LinkClientError.self) { try await third.pair(token: offer.token, label: nil) }
        }
    }

    @Test
    func `a peer is removed although that cannot be stored: at once, until the next start, and the command says so`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            let client = try await reflector.connect(key)
            #expect(try await client.pair(token: offer.token, label: nil).success)
            try await alter(
                reflector,
                "CREATE TRIGGER full BEFORE DELETE ON peer BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
            guard case .failed(let message) = try await reflector.ask(.removePeer(key.endpointID)) else {
                Issue.record("a removal that is not stored was called a success")
                return
            }
            #expect(message.contains("was removed, BUT only until the next start"), "\(message)")
            await #expect(throws: LinkClientError.self) { try await client.status() }
            let again = try await reflector.connect(key)
            await #expect(throws: LinkClientError.self) { try await again.hello() }
            // It can still be removed for good.
            try await alter(reflector, "DROP TRIGGER full")
            #expect(try await reflector.ask(.removePeer(key.endpointID)) == .done)
        }
    }

    /// Changes the server's database from another process, so that it cannot be written.
    private func alter(_ reflector: TestReflector, _ sql: String) async throws {
        let script = "import sqlite3,sys;sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])"
        let path = reflector.folder + "/reflector.sqlite"
        let exit = try await ChildProcess.start("python3", ["-c", script, path, sql]).exit()
        #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
    }
}
