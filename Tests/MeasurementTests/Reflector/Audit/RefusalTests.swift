internal import Files
internal import Foundation
internal import Identity
internal import Logging
internal import Operations
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Refused connections in the audit log", .timeLimit(.minutes(3)))
struct RefusalTests {
    @Test
    func `hundreds of refused strangers leave a bounded number of lines, whose sum is right, and one counter of all`()
        async throws
    {
        let strangers = 300
        let folder = NSTemporaryDirectory() + "refusal-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let known = IdentityKey()
        let lines = RecordedLines()
        let reflector = try await TestReflector.start(
            in: folder,
            peers: [known.endpointID],
            logger: lines.logger
        )
        do {
            try await withThrowingTaskGroup { group in
                for _ in 0..<10 {
                    group.addTask {
                        for _ in 0..<strangers / 10 {
                            try await RawPeer.withTLS(reflector, .endpoint(IdentityKey())) { peer in
                                try await peer.send(.hello(Hello(features: [])))
                                while await peer.next() != nil {}
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            // A known peer is written down in the middle of the flood.
            let client = try await reflector.connect(known)
            _ = try await client.hello()
            await client.close()
            #expect(try reflector.audit(.connectionAccepted).count == 1)
            try await eventually("all refusals are counted") {
                try await HealthTests.get(reflector, "/metrics")
                    .contains("\nreflector_connections_denied_total \(strangers)\n") ? true : nil
            }
        } catch {
            await reflector.stop()
            throw error
        }
        await reflector.stop()

        let denials = try reflector.audit(.connectionDenied)
        let sums = denials.compactMap { ($0["params"] as? [String: Any])?["suppressed"] as? Int }
        // A flood that takes longer than a minute writes a sum for each.
        #expect(denials.count - sums.count >= 48 && denials.count - sums.count < 60, "\(denials.count) lines")
        #expect(!sums.isEmpty)
        #expect(denials.count - sums.count + sums.reduce(0, +) == strangers)
        // The server's log has as many, and every sum.
        #expect(lines.count("connection denied") == denials.count - sums.count)
        #expect(lines.count("connections denied, too many to log each") == sums.count)
        let span = try #require(denials.last?["params"] as? [String: Any])
        #expect(try #require(span["first"] as? String) <= (try #require(span["last"] as? String)))
        #expect(try LocalState.verifyAudit(reflector.configuration).isIntact)
    }

    @Test func `the sum is written when its window ends, and nothing waits when nothing was suppressed`() async throws {
        try await withAudit(RefusalBudget(burst: 2, refill: .max / 4, window: .seconds(2))) { audit, lines in
            for _ in 0..<5 { try await audit.connectionDenied(nil, address: "192.0.2.1:1", reason: "unauthorized") }
            try await eventually("the sum of the first window") { try lines().count == 3 ? true : nil }
            #expect(try lines().last?.contains("\"suppressed\":3") == true)
            try await audit.connectionDenied(nil, address: "192.0.2.1:1", reason: "unauthorized")
            try await eventually("the sum of the second window") { try lines().count == 4 ? true : nil }
            #expect(try lines().last?.contains("\"suppressed\":1") == true)
            #expect(audit.refusedConnections == 6)
            await audit.close()
            #expect(try lines().count == 4)
        }
    }

    @Test func `a wrong pairing token and decisions on known peers are written however many refusals were suppressed`()
        async throws
    {
        try await withAudit(RefusalBudget(burst: 1, refill: .max / 4, window: .seconds(3_600))) { audit, lines in
            let peer = IdentityKey().endpointID
            for _ in 0..<3 { try await audit.connectionDenied(peer, address: "a", reason: "unauthorized") }
            try await audit.connectionDenied(peer, address: "a", reason: "wrong pairing token", isPairing: true)
            try await audit.connectionAccepted(peer, address: "a")
            try await audit.peerRemoved(peer)
            #expect(try lines().count == 4)
            // The end of the server does not wait for the window.
            await audit.close()
            #expect(try lines().last?.contains("\"suppressed\":2") == true)
        }
    }

    @Test func `the budget refills with time, one line for each interval and never more than the burst`() {
        var budget = RefusalBudget(burst: 3, refill: 10, window: .seconds(1))
        func written(at now: UInt64, of count: Int) -> Int {
            (0..<count).count { _ in budget.decide(now: now, time: Int64(now)) == .write }
        }
        #expect(written(at: 100, of: 10) == 3)
        #expect(budget.suppressed == .init(count: 7, first: 100, last: 100))
        #expect(written(at: 109, of: 5) == 0)
        #expect(written(at: 110, of: 5) == 1)
        #expect(written(at: 125, of: 5) == 1)
        #expect(written(at: 130, of: 5) == 1)
        #expect(written(at: 1_000_000, of: 10) == 3)
        let sum = budget.takeSuppressed()
        #expect(sum == .init(count: 31, first: 100, last: 1_000_000))
        #expect(budget.takeSuppressed() == nil)
        #expect(budget.decide(now: 1_000_000, time: 7) == .suppress(startsWindow: true))
        if let sum { budget.restore(sum) }
        #expect(budget.suppressed == .init(count: 32, first: 100, last: 7))
    }

    private func withAudit(
        _ budget: RefusalBudget,
        _ body: (ServerAudit, () throws -> [String]) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "refusal-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try StateFiles.createFolder(folder)
        let key = try KeyFile.loadOrCreate(at: folder + "/key").key
        let path = folder + "/audit.jsonl"
        let identity = try ServerIdentity(key: key, applicationProtocols: ["pp-link/1"])
        let (log, _) = try AuditLog.open(
            path: path,
            signing: AuditTrust.signing(with: identity, keyPath: folder + "/key"),
            layout: .reflector
        )
        let audit = ServerAudit(log: log, endpoint: key.endpointID, budget: budget)
        try await body(audit) {
            try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        }
        await audit.close()
    }
}

/// The lines of a log.
private final class RecordedLines: Sendable {
    private let lines = Mutex<[String]>([])

    var logger: Logger {
        Logger(label: "test") { label in
            StandardErrorLog(
                label: label,
                level: .info,
                format: .text,
                write: { line in self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
            )
        }
    }

    func count(_ message: String) -> Int { lines.withLock { $0.count { $0.contains(": \(message) ") } } }
}
