internal import Foundation
internal import Identity
internal import IdentityCertificates
internal import NIOCore
internal import NIOSSL
internal import Operations
internal import TestCertificates
internal import Testing
internal import X509

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Authorization", .timeLimit(.minutes(5)))
struct WhoMaySpeakTests {
    @Test func `an unknown peer gets 403, is closed, and is logged once`() async throws {
        try await TestReflector.with { reflector in
            let key = IdentityKey()
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                try await peer.send(.hello(Hello(features: [])), id: "first")
                let answer = try #require(await peer.next())
                #expect(answer.requestID == "first")
                guard case .error(let error) = answer.payload else {
                    Issue.record("\(answer)")
                    return
                }
                #expect(error.code == 403)
                #expect(error.message.contains("unauthorized"))
                #expect(await peer.next() == nil)
            }
            let denials = try await reflector.audit(.connectionDenied, count: 1)
            #expect(denials.count == 1)
            #expect(denials[0]["peer_id"] as? String == key.endpointID.description)
            #expect(denials[0]["decision"] as? String == "deny")
        }
    }

    @Test func `an unknown peer that leaves without a word is logged too`() async throws {
        try await TestReflector.with { reflector in
            let key = IdentityKey()
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                try await peer.send([0])
            }
            let denials = try await reflector.audit(.connectionDenied, count: 1)
            #expect(denials[0]["peer_id"] as? String == key.endpointID.description)
        }
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `a peer of the configuration is let in, over IPv4 and IPv6`(host: String) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID], host: host) { reflector in
            let client = try await reflector.connect(key)
            let hello = try await client.hello()
            #expect(hello.version == "1.0")
            #expect(hello.policySummary.maxTestDurationSec == 60)
            #expect(hello.policySummary.allowedTestTypes == ["throughput", "udp_echo"])
            await client.close()
            let accepted = try reflector.audit(.connectionAccepted)
            #expect(accepted.count == 1)
            #expect(accepted[0]["peer_id"] as? String == key.endpointID.description)
            #expect(accepted[0]["endpoint_id"] as? String == reflector.started.endpointID.description)
        }
    }

    @Test func `a certificate that claims a known peer's ID is refused in the handshake and logged`() async throws {
        let known = IdentityKey()
        let thief = IdentityKey()
        try await TestReflector.with(peers: [known.endpointID]) { reflector in
            let certificate = try TestCertificate.make(thief, names: [.dnsName("pp-id-\(known.endpointID)")])
            await expectRefusal(reflector, try .with(certificate: certificate, key: thief))
            let denials = try await reflector.audit(.connectionDenied, count: 1)
            #expect((denials[0]["reason"] as? String)?.contains("claims to be \(known.endpointID)") == true)
            #expect(try reflector.audit(.connectionAccepted).isEmpty)
        }
    }

    @Test func `no certificate, a P-256 key, TLS 1.2 and a foreign protocol are refused`() async throws {
        let known = IdentityKey()
        try await TestReflector.with(peers: [known.endpointID]) { reflector in
            await expectRefusal(reflector, RawPeer.Appearance())
            await expectRefusal(reflector, try .p256(names: [.dnsName("pp-id-\(known.endpointID)")]))
            var old = try RawPeer.Appearance.endpoint(known)
            old.maximumVersion = .tlsv12
            await expectRefusal(reflector, old)
            var foreign = try RawPeer.Appearance.endpoint(known)
            foreign.alpn = ["h2"]
            await expectRefusal(reflector, foreign)
            foreign.alpn = []
            await expectRefusal(reflector, foreign)
            #expect(try reflector.audit(.connectionAccepted).isEmpty)
        }
    }

    @Test func `without require_alpn a client that negotiates nothing is served`() async throws {
        let known = IdentityKey()
        try await TestReflector.with(peers: [known.endpointID]) {
            $0.requireALPN = false
        } _: { reflector in
            var appearance = try RawPeer.Appearance.endpoint(known)
            appearance.alpn = []
            let answer = try await RawPeer.withTLS(reflector, appearance) { peer in
                try await peer.send(.hello(Hello(features: [])))
                return await peer.next()
            }
            #expect(answer?.payload.type == "server_hello")
        }
    }

    @Test func `the client refuses a reflector with another key than the pinned one, before it sends anything`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            var address = reflector.address
            address.endpointID = IdentityKey().endpointID
            let error = await failure {
                try await LinkClient.connect(to: address, context: LinkClient.context(for: key))
            }
            guard case .wrongPeer(.unexpectedPeer(_, let presented))? = error as? LinkClientError else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(presented == reflector.started.endpointID)
            let accepted = try reflector.audit(.connectionAccepted)
            #expect(accepted.isEmpty)
        }
    }

    @Test func `a removed peer loses its connection at once and is unknown afterwards`() async throws {
        let key = IdentityKey()
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            let client = try await reflector.connect(key)
            _ = try await client.pair(token: offer.token, label: "laptop")
            _ = try await client.hello()
            #expect(try await reflector.ask(.removePeer(key.endpointID)) == .done)
            await #expect(throws: LinkClientError.self) { try await client.status() }
            let again = try await reflector.connect(key)
            await #expect(throws: LinkClientError.self) { try await again.hello() }
            #expect(try reflector.audit(.peerRemoved).count == 1)
            guard case .failed(let reason) = try await reflector.ask(.removePeer(key.endpointID)) else {
                Issue.record("a peer was removed twice")
                return
            }
            #expect(reason.contains("not paired"))
        }
    }

    @Test func `a TLS session from before the removal brings a removed peer nothing`() async throws {
        let key = IdentityKey()
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            let client = try await reflector.connect(key)
            _ = try await client.pair(token: offer.token, label: "laptop")
            await client.close()
            let before = try await openssl(reflector, key, "-sess_out")
            #expect(before.contains("server_hello"), "\(before)")
            #expect(try await reflector.ask(.removePeer(key.endpointID)) == .done)
            let after = try await openssl(reflector, key, "-sess_in")
            #expect(after.contains("unauthorized"), "\(after)")
            #expect(!after.contains("server_hello"))
        }
    }

    /// Says hello with `openssl s_client`, which keeps its TLS session in a file or comes back with it.
    private func openssl(_ reflector: TestReflector, _ key: IdentityKey, _ session: String) async throws -> String {
        let folder = reflector.folder + "/openssl"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let write = { (name: String, bytes: [UInt8]) in
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        try write("hello", Array(buffer: LinkEnvelope(requestID: "1", payload: .hello(Hello(features: []))).frame()))
        try write("cert.der", EndpointCertificate.make(for: key))
        try write("key.der", RawPeer.Appearance.pkcs8(of: key))
        // It stays until the answer is there, before which the session tickets come; for a minute at most.
        let script = """
            rm -f answer; touch answer
            (cat hello; n=0; until grep -qaE 'server_hello|unauthorized' answer || [ $n = 600 ]; do sleep 0.1; n=$((n+1)); done) |
            openssl s_client -connect 127.0.0.1:\(reflector.port) -alpn pp-link/1 -tls1_3 -cert cert.der -certform DER \
                -key key.der -keyform DER -sigalgs ed25519 \(session) session.pem > answer 2>&1
            cat answer
            """
        let exit = try await ChildProcess.start("sh", ["-c", "cd '\(folder)' && " + script]).exit()
        if session == "-sess_in" { #expect(FileManager.default.fileExists(atPath: folder + "/session.pem")) }
        return String(decoding: exit.output, as: UTF8.self)
    }

    /// The handshake fails, or the connection ends without a message.
    private func expectRefusal(_ reflector: TestReflector, _ appearance: RawPeer.Appearance) async {
        let answer = try? await RawPeer.withTLS(reflector, appearance) { peer in
            try await peer.send(.hello(Hello(features: [])))
            return await peer.next()
        }
        #expect(answer == nil || answer == .some(nil))
    }
}
