internal import Foundation
internal import Identity
internal import NIOCore
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Tests that come to nothing", .timeLimit(.minutes(3)))
struct FailedTestsTests {
    private static let request = SessionRequest(
        testType: .throughput,
        params: SessionParameters(durationSec: 60, streams: 1, engine: .iperf3)
    )

    /// A reflector, and a program in the place of its iperf3 that does what `body` of the shell says; none when that is
    /// nil.
    private func with(
        iperf body: String?,
        _ test: (TestReflector, IdentityKey) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "ft-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = folder + "/program"
        if let body {
            let version = "if [ \"$1\" = --version ]; then echo iperf 3.12; exit; fi"
            try "#!/bin/sh\n\(version)\n\(body)\n".write(toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program)
        }
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.iperfPath = program
        } _: { reflector in
            try await test(reflector, key)
        }
    }

    @Test func `an iperf3 that is not installed takes no slot and no key, whatever the last test left`() async throws {
        try await with(iperf: nil) { reflector, key in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            // With the only slot taken, only what takes none can say what is wrong.
            let grant = try await client.request(SessionTests.echo)
            guard case .sessionDeny(let deny) = try await client.ask(.sessionRequest(Self.request)) else {
                Issue.record("granted")
                return
            }
            #expect(deny.reason == .invalidParams && deny.message.contains("no working iperf3"), "\(deny.message)")
            #expect(try await client.status().testsToday == 1)
            try await client.close(grant.testID)
            await client.close()
        }
    }

    @Test func `a test that fails after it was admitted counts`() async throws {
        try await with(iperf: "echo 'no such option' >&2; exit 1") { reflector, key in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            for number in 1...2 {
                guard case .sessionDeny(let deny) = try await client.ask(.sessionRequest(Self.request)) else {
                    Issue.record("granted")
                    return
                }
                #expect(deny.message.contains("no such option"), "\(deny.message)")
                let status = try await client.status()
                #expect(status.testsToday == number && status.activeTest == nil && status.bytesToday == 0)
            }
            await client.close()
        }
    }

    @Test
    func `a test ends with its owner's connection, also when another request came behind it before it was granted`()
        async throws
    {
        try await with(iperf: "sleep 1; exec iperf3 \"$@\"") { reflector, key in
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                try await peer.send(.sessionRequest(Self.request), id: "first")
                let never = SessionRequest(testType: .throughput, params: SessionParameters(durationSec: -1))
                try await peer.send(.sessionRequest(never), id: "second")
                #expect(await peer.next()?.requestID == "second")
            }
            let ended = try await eventually("the test ends with its owner") {
                try reflector.audit(.sessionCompleted).first
            }
            #expect(ended["reason"] as? String == EndReason.ownerGone.rawValue)
        }
    }
}
