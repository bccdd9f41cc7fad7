internal import Foundation
internal import Identity
internal import NIOCore
internal import Operations
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Health and metrics", .timeLimit(.minutes(5)))
struct HealthTests {
    @Test func `GET /health on the plain port says ok, version and load; other paths and methods are refused`()
        async throws
    {
        try await TestReflector.with { reflector in
            let health = try await Self.get(reflector, "/health")
            #expect(health.hasPrefix("HTTP/1.1 200 OK"))
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(Self.body(health).utf8)) as? [String: Any]
            )
            #expect(json["status"] as? String == "ok")
            #expect(json["version"] is String)
            #expect(json["load"] is Double || json["load"] is Int)
            let metrics = try await Self.get(reflector, "/metrics")
            #expect(metrics.contains("# TYPE reflector_connections_open gauge\nreflector_connections_open 0\n"))
            #expect(try await Self.get(reflector, "/secret").hasPrefix("HTTP/1.1 404"))
            #expect(try await Self.get(reflector, "/health", method: "POST").hasPrefix("HTTP/1.1 405"))
        }
    }

    @Test func `an authorized peer that negotiates http/1.1 gets the same inside TLS; a stranger gets nothing`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            for (who, isKnown) in [(key, true), (IdentityKey(), false)] {
                var appearance = try RawPeer.Appearance.endpoint(who)
                appearance.alpn = ["http/1.1"]
                let answer = try? await RawPeer.withTLS(reflector, appearance) { peer in
                    try await peer.send(Array("GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".utf8))
                    return await peer.text()
                }
                #expect((answer?.contains("\"status\":\"ok\"") == true) == isKnown)
            }
            _ = try await reflector.audit(.connectionDenied, count: 1)
        }
    }

    @Test func `monitors that connect and send nothing do not block the health port; the oldest are evicted`()
        async throws
    {
        try await TestReflector.with { reflector in
            let port = try #require(reflector.started.health?.port)
            var sockets: [Int32] = []
            defer { for descriptor in sockets { close(descriptor) } }
            let address = InternetAddress(.loopbackIPv4, port: UInt16(port))
            for _ in 0..<200 { sockets.append(try Socket.connectTCP(address).release()) }
            for _ in 0..<3 { #expect(try await Self.get(reflector, "/health").hasPrefix("HTTP/1.1 200")) }
            // 200 came, 64 places: the first have been closed, the last have not.
            try await eventually("the oldest is closed") { () -> Bool? in
                var byte: UInt8 = 0
                return recv(sockets[0], &byte, 1, Int32(MSG_DONTWAIT)) == 0 ? true : nil
            }
            var byte: UInt8 = 0
            #expect(recv(sockets[199], &byte, 1, Int32(MSG_DONTWAIT)) == -1)
        }
    }

    @Test func `without a writable audit log no test is granted and /health says 503`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            // The log is taken away from under the server: what it writes now would be lost.
            try FileManager.default.removeItem(atPath: reflector.configuration.auditLogPath)
            let answer = try await client.ask(.sessionRequest(SessionTests.echo))
            guard case .sessionDeny(let deny) = answer else {
                Issue.record("granted without an audit log: \(answer.type)")
                return
            }
            #expect(deny.message.contains("audit log"))
            #expect(try await client.status().testsToday == 0)
            #expect(try await Self.get(reflector, "/health").hasPrefix("HTTP/1.1 503"))
            let second = try await reflector.connect(key)
            await #expect(throws: LinkClientError.self) { try await second.hello() }
        }
    }

    @Test func `a line that another hand appended to the audit log keeps it closed, and /health and status say so`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            let path = reflector.configuration.auditLogPath
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            let last = try #require(before.split(separator: 10).last)
            let sequence = try AuditLine(parsing: Array(last)[...], layout: .reflector).sequence
            var record = AuditRecord("peer_removed")
            record.endpointID = "PP-X"
            record.reason = "forged"
            let forged = AuditLine(
                sequence: sequence + 1,
                previousHash: AuditLine.hash(of: Array(last)[...]),
                record: record,
                layout: .reflector
            )
            let tampered = before + Data(forged.encoded() + [10])
            try tampered.write(to: URL(fileURLWithPath: path + ".new"))
            // Into the same file: the server has it open.
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(forged.encoded() + [10]))
            try handle.close()
            // The first finds it, the second tries to open the log again.
            for _ in 0..<2 {
                guard case .sessionDeny = try await client.ask(.sessionRequest(SessionTests.echo)) else {
                    Issue.record("granted")
                    return
                }
            }
            let health = try await Self.get(reflector, "/health")
            #expect(health.hasPrefix("HTTP/1.1 503") && health.contains("not as it was left"), "\(health)")
            guard case .status(let status) = try await reflector.ask(.status) else { return }
            #expect(!status.auditHealthy)
            let problem = status.auditProblem ?? ""
            #expect(problem.contains("bytes that this process did not write follow line \(sequence)"), "\(problem)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == tampered)
        }
    }

    static func get(_ reflector: TestReflector, _ path: String, method: String = "GET") async throws -> String {
        let port = try #require(reflector.started.health?.port)
        return try await RawPeer.withTCP(reflector, port: port) { peer in
            try await peer.send(Array("\(method) \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".utf8))
            return await peer.text()
        }
    }

    static func body(_ response: String) -> String {
        response.components(separatedBy: "\r\n\r\n").dropFirst().joined()
    }
}
