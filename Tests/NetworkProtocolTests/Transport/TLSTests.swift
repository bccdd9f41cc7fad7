internal import Foundation
internal import Identity
internal import NIOCore
internal import NIOSSL
internal import Operations
internal import Testing

@testable import NetworkProtocol

/// TLS against OpenSSL: its certificates, its client, its server.
@Suite("TLS", .timeLimit(.minutes(5)))
struct TLSTests {
    /// An OpenSSL authority with certificates for a daemon and a client, and some invalid ones.
    private struct Authority {
        let folder: String

        init() async throws {
            folder = FileManager.default.temporaryDirectory.path + "/outpost-np-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let script = """
                set -e
                ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.pem -days 30 \
                    -subj /CN=$1 -addext basicConstraints=critical,CA:TRUE; }
                leaf() { openssl req -newkey $4 -nodes -keyout $1.key -out $1.csr -subj /CN=$1
                    printf 'subjectAltName=%s\\n' "$3" > $1.ext
                    openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -out $1.pem $5 -extfile $1.ext; }
                ca authority; ca stranger
                leaf daemon authority IP:127.0.0.1,DNS:localhost rsa:2048 '-days 30'
                leaf client authority DNS:client ed25519 '-days 30'
                leaf elsewhere authority DNS:elsewhere.example ed25519 '-days 30'
                leaf foreign stranger IP:127.0.0.1 ed25519 '-days 30'
                openssl req -newkey ed25519 -nodes -keyout expired.key -out expired.csr -subj /CN=expired
                printf 'subjectAltName=IP:127.0.0.1\\n' > expired.ext
                : > index; echo 01 > serial
                printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\n' > ca.cnf
                printf 'default_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' >> ca.cnf
                openssl ca -batch -config ca.cnf -cert authority.pem -keyfile authority.key -in expired.csr -out expired.pem \
                    -startdate 20200101000000Z -enddate 20200201000000Z -extfile expired.ext -notext
                """
            let exit = try await ChildProcess.start("bash", ["-c", "cd '\(folder)' && { \(script)\n} 2>&1"]).exit()
            guard exit.status == .exited(0) else {
                throw ConnectionError.io(reason: String(decoding: exit.output, as: UTF8.self))
            }
        }

        func remove() { try? FileManager.default.removeItem(atPath: folder) }

        func certificate(_ name: String) throws -> NIOSSLCertificate {
            try NIOSSLCertificate.fromPEMFile(folder + "/\(name).pem")[0]
        }

        func key(_ name: String) throws -> NIOSSLPrivateKey {
            try NIOSSLPrivateKey(file: folder + "/\(name).key", format: .pem)
        }

        func server(_ name: String, clients: TLSServer.Clients? = nil) throws -> TLSServer {
            TLSServer(
                certificateChain: [try certificate(name)],
                privateKey: try key(name),
                clients: try clients ?? .certified(roots: [certificate("authority")])
            )
        }

        func client(_ name: String?) throws -> TLSClient {
            var settings = TLSClient(roots: .certificates([try certificate("authority")]))
            if let name {
                settings.certificateChain = [try certificate(name)]
                settings.privateKey = try key(name)
            }
            return settings
        }
    }

    private func withDaemon(
        _ tls: TLSServer,
        _ body: (TestDaemon) async throws -> Void
    ) async throws {
        let ends = try TestEnds()
        defer { ends.remove() }
        let listener = Listener.tls(host: "127.0.0.1", port: 0, tls)
        try await TestDaemon.with([listener], .forTests, DaemonOptions(), ends, body: body)
    }

    private func connect(_ daemon: TestDaemon, _ tls: TLSClient) async throws -> Client {
        try await Client.connect(to: .tls(host: "127.0.0.1", port: daemon.port, tls), logger: TestDaemon.silent)
    }

    private func expectTLSFailure(
        _ daemon: TestDaemon,
        _ tls: TLSClient,
        _ comment: Comment,
        saying words: String? = nil
    ) async {
        await #expect(comment) {
            let client = try await connect(daemon, tls)
            // In TLS 1.3 a client learns only afterward that its certificate was refused.
            _ = try await client.request("reverse", [1])
        } throws: { error in
            guard let error = (error as? ConnectionError)?.underlying else { return false }
            switch error.code {
            case .tls:
                // In words, not as the library below prints it.
                guard let reason = error.detail else { return false }
                return !reason.contains("OPENSSL") && !reason.contains("Error") && words.map(reason.contains) ?? true
            case .closedByPeer, .io: return words == nil
            default: return false
            }
        }
    }

    @Test func `with certificates of an authority, both sides are known; any other peer is refused`() async throws {
        let authority = try await Authority()
        defer { authority.remove() }
        try await withDaemon(try authority.server("daemon")) { daemon in
            let client = try await connect(daemon, try authority.client("client"))
            let who = try await client.request("who").text
            // The client's key is Ed25519, so it is an endpoint's identity and can also be pinned.
            let pin = try CertificatePin(of: authority.certificate("client"))
            #expect(who.hasPrefix("PP-"), "\(who)")
            #expect(who.hasSuffix("\(pin)"), "\(who)")
            await client.close()

            await expectTLSFailure(daemon, try authority.client(nil), "a client without a certificate")
            await expectTLSFailure(daemon, try authority.client("foreign"), "one of another authority")
            await expectTLSFailure(daemon, try authority.client("expired"), "one that has expired")
            var named = try authority.client("client")
            named.serverName = "elsewhere.example"
            await expectTLSFailure(daemon, named, "the daemon has another name", saying: "not for elsewhere.example")
            #expect(daemon.daemon.connectionCount <= 5)
        }
        for name in ["elsewhere", "foreign", "expired"] {
            try await withDaemon(try authority.server(name)) { daemon in
                await expectTLSFailure(daemon, try authority.client("client"), "the daemon is \(name)")
            }
        }
    }

    @Test func `a daemon that is asked for by an address must have a certificate for that address`() async throws {
        let authority = try await Authority()
        defer { authority.remove() }
        // Its certificate is for 127.0.0.1, its actual address.
        try await withDaemon(try authority.server("daemon")) { daemon in
            for name in ["192.0.2.9", "::1", "2001:db8::9"] {
                var settings = try authority.client("client")
                settings.serverName = name
                await expectTLSFailure(daemon, settings, "\(name)", saying: "not for \(name)")
            }
            var settings = try authority.client("client")
            settings.serverName = "127.0.0.1"
            await (try await connect(daemon, settings)).close()
        }
        // Its certificate is for another address than the one where it is reached, as behind a forwarder.
        let elsewhere = try SelfSignedCertificate(hosts: ["192.0.2.9", "2001:db8::9"])
        let tls = TLSServer(
            certificateChain: [elsewhere.certificate],
            privateKey: elsewhere.privateKey,
            clients: .anonymous
        )
        try await withDaemon(tls) { daemon in
            for (name, isRight) in [("192.0.2.9", true), ("2001:DB8:0::9", true), ("192.0.2.90", false), (nil, false)] {
                var settings = TLSClient(roots: .certificates([elsewhere.certificate]))
                settings.serverName = name
                if isRight {
                    await (try await connect(daemon, settings)).close()
                } else {
                    await expectTLSFailure(daemon, settings, "\(name ?? "the address connected to")")
                }
            }
        }
    }

    @Test func `in TLS 1.2 both sides take ECDHE with an AEAD, and nothing else`() async throws {
        let authority = try await Authority()
        defer { authority.remove() }
        let (good, bad) = (
            ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"],
            ["AES128-SHA", "AES256-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA"]
        )
        try await withDaemon(try authority.server("daemon")) { daemon in
            for cipher in good + bad {
                let answer = try await openssl(
                    authority,
                    daemon.port,
                    "-cert client.pem -key client.key -alpn outpost-np/1 -tls1_2 -cipher \(cipher)@SECLEVEL=0"
                )
                #expect(answer.contains("from openssl") == good.contains(cipher), "\(cipher): \(answer)")
            }
        }
        for cipher in good + bad {
            let server = try await OpenSSLServer.start(
                authority.folder,
                "daemon",
                "outpost-np/1 -tls1_2 -cipher \(cipher)@SECLEVEL=0"
            )
            let destination = Destination.tls(host: "127.0.0.1", port: server.port, try authority.client("client"))
            let client = try? await Client.connect(to: destination, logger: TestDaemon.silent)
            #expect((client != nil) == good.contains(cipher), "\(cipher)")
            await client?.close()
            _ = await server.process.terminate()
        }
    }

    @Test
    func `a pin is SHA-256 of the key as OpenSSL computes it, and is demanded beside a good chain, never instead`()
        async throws
    {
        let authority = try await Authority()
        defer { authority.remove() }
        let script = """
            cd '\(authority.folder)' && openssl x509 -in daemon.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum
            """
        let exit = try await ChildProcess.start("sh", ["-c", script]).exit()
        let computed = String(decoding: exit.output.prefix(64), as: UTF8.self)
        let pin = try #require(CertificatePin(computed))
        try await withDaemon(try authority.server("daemon")) { daemon in
            var settings = try authority.client("client")
            settings.pins = [pin]
            let client = try await connect(daemon, settings)
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await client.close()

            settings.pins = [try CertificatePin(of: authority.certificate("client"))]
            await #expect {
                _ = try await connect(daemon, settings)
            } throws: { error in
                guard let error = error as? ConnectionError, let reason = error.detail else { return false }
                return error.code == .tls && reason.contains("pinned") && reason.contains(computed)
            }
            // The right pin does not make an invalid chain acceptable.
            settings.pins = [pin]
            settings.roots = .certificates([try authority.certificate("stranger")])
            await expectTLSFailure(
                daemon,
                settings,
                "the right pin under the wrong authority",
                saying: "none of the roots signed it"
            )
        }
        let clients = TLSServer.Clients.certified(roots: [try authority.certificate("authority")], pins: [pin])
        try await withDaemon(try authority.server("daemon", clients: clients)) { daemon in
            await expectTLSFailure(
                daemon,
                try authority.client("client"),
                "a client whose key the daemon has not pinned"
            )
        }
    }

    /// The output of OpenSSL's client when it sends a message whose answer contains `word`.
    private func openssl(
        _ authority: Authority,
        _ port: Int,
        _ options: String,
        _ message: Message = .echo("from openssl"),
        word: String = "from openssl"
    ) async throws -> String {
        let bytes = try packet(message)
        try Data(bytes).write(to: URL(fileURLWithPath: authority.folder + "/echo"))
        let script = """
            cd '\(authority.folder)'; rm -f answer; touch answer
            (cat echo; n=0; until grep -qa '\(word)' answer || [ $n = 50 ] || [ -e done ]; do sleep 0.1; n=$((n+1)); done) |
            { openssl s_client -connect 127.0.0.1:\(port) -CAfile authority.pem -verify_return_error \(options) > answer 2>&1; touch done; }
            rm -f done; cat answer
            """
        let exit = try await ChildProcess.start("sh", ["-c", script]).exit()
        return String(decoding: exit.output, as: UTF8.self)
    }

    @Test
    func `OpenSSL's client is answered over 1.2 and 1.3, and refused without certificate, protocol name or version`()
        async throws
    {
        let authority = try await Authority()
        defer { authority.remove() }
        try await withDaemon(try authority.server("daemon")) { daemon in
            let known = "-cert client.pem -key client.key"
            let alpn = "-alpn outpost-np/1"
            for version in ["-tls1_2", "-tls1_3"] {
                let answer = try await openssl(authority, daemon.port, "\(known) \(alpn) \(version)")
                #expect(answer.contains("from openssl"), "\(version): \(answer)")
            }
            for (options, why) in [
                ("\(alpn) -tls1_3", "no certificate"), ("\(known) -tls1_3", "no protocol name"),
                ("\(known) -alpn http/1.1 -tls1_3", "another protocol"),
                ("\(known) \(alpn) -tls1_1 -cipher DEFAULT@SECLEVEL=0", "an old version"),
            ] {
                let answer = try await openssl(authority, daemon.port, options)
                #expect(!answer.contains("from openssl"), "\(why): \(answer)")
            }
            let client = try await connect(daemon, try authority.client("client"))
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await client.close()
        }
        var strict = try authority.server("daemon")
        strict.minimumVersion = .tls13
        try await withDaemon(strict) { daemon in
            let answer = try await openssl(
                authority,
                daemon.port,
                "-cert client.pem -key client.key -alpn outpost-np/1 -tls1_2"
            )
            #expect(!answer.contains("from openssl"), "\(answer)")
        }
    }

    @Test func `a server of OpenSSL is judged by chain, name, pin and protocol name`() async throws {
        let authority = try await Authority()
        defer { authority.remove() }
        for (name, alpn, pinned, expected) in [
            ("daemon", "outpost-np/1", "daemon", true), ("daemon", "h2", "daemon", false),
            ("daemon", "outpost-np/1", "client", false), ("foreign", "outpost-np/1", "foreign", false),
        ] {
            let server = try await OpenSSLServer.start(authority.folder, name, alpn)
            var settings = try authority.client("client")
            settings.pins = [try CertificatePin(of: authority.certificate(pinned))]
            let destination = Destination.tls(host: "127.0.0.1", port: server.port, settings)
            do {
                let client = try await Client.connect(to: destination, logger: TestDaemon.silent)
                #expect(expected, "\(name), \(alpn), \(pinned)")
                let peer = try await client.connection().peer
                #expect(peer.certificatePin == settings.pins.first)
                await client.close()
            } catch {
                guard error.code == .tls else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(!expected, "\(error)")
            }
            _ = await server.process.terminate()
        }
    }

    private struct OpenSSLServer {
        let process: ChildProcess
        let port: Int

        /// On a port that the kernel chooses and the server prints.
        static func start(_ folder: String, _ name: String, _ alpn: String) async throws -> OpenSSLServer {
            let log = folder + "/server-\(UUID().uuidString)"
            let command = """
                cd '\(folder)' && exec openssl s_server -rev -accept 127.0.0.1:0 -cert \(name).pem -key \(name).key -alpn \(alpn) \
                    > \(log) 2>&1
                """
            let process = try await ChildProcess.start("sh", ["-c", command])
            for _ in 0..<600 {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ACCEPT 127.0.0.1:") }),
                    let port = Int(line.drop { $0 != ":" }.dropFirst())
                {
                    return OpenSSLServer(process: process, port: port)
                }
                try await Task.sleep(for: .milliseconds(50))
            }
            _ = await process.terminate()
            throw ConnectionError.io(reason: "openssl s_server did not start")
        }
    }

    @Test(arguments: [
        ("a.example", "A.EXAMPLE.", true), ("b.example", "a.example", false), ("x.a.example", "*.a.example", true),
        ("a.example", "*.example", false), ("x.y.a.example", "*.a.example", false),
        (".a.example", "*.a.example", false),
        ("xa.example.org", "x*.example.org", false), ("a.example", "", false), ("", "", false),
    ])
    func `names are compared label by label`(name: String, pattern: String, expected: Bool) {
        #expect(ServerName.matches(name, pattern) == expected)
    }

    @Test func `a self-signed certificate is known by itself, and OpenSSL reads it`() async throws {
        let certificate = try SelfSignedCertificate(hosts: ["127.0.0.1", "::1", "echo.example"])
        let file = FileManager.default.temporaryDirectory.path + "/outpost-np-\(UUID().uuidString).pem"
        try Data(certificate.certificatePEM.utf8).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let exit = try await ChildProcess.start("openssl", ["x509", "-in", file, "-noout", "-text"]).exit()
        let text = String(decoding: exit.output, as: UTF8.self)
        #expect(text.contains("IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:echo.example"), "\(text)")
        let tls = TLSServer(
            certificateChain: [certificate.certificate],
            privateKey: certificate.privateKey,
            clients: .anonymous
        )
        try await withDaemon(tls) { daemon in
            var settings = TLSClient(roots: .certificates([certificate.certificate]))
            settings.pins = [certificate.pin]
            let client = try await connect(daemon, settings)
            let who = try await client.request("who").text
            #expect(who.isEmpty)
            await client.close()
            await expectTLSFailure(
                daemon,
                TLSClient(),
                "the system's roots do not know it",
                saying: "not one that is trusted"
            )
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a client that resumes its session is known by its certificate again`(_ version: String) async throws {
        let authority = try await Authority()
        defer { authority.remove() }
        let pin = try CertificatePin(of: authority.certificate("client"))
        let clients = TLSServer.Clients.certified(roots: [try authority.certificate("authority")], pins: [pin])
        try await withDaemon(try authority.server("daemon", clients: clients)) { daemon in
            let options = "-cert client.pem -key client.key -alpn outpost-np/1 \(version)"
            let who = Message.request(id: 1, command: "who", payload: [])
            for session in ["-sess_out session.pem", "-sess_in session.pem"] {
                let answer = try await openssl(authority, daemon.port, "\(options) \(session)", who, word: "\(pin)")
                #expect(answer.contains("\(pin)"), "\(answer)")
                #expect(answer.contains(session.hasPrefix("-sess_in") ? "Reused, TLSv1." : "New, TLSv1."), "\(answer)")
            }
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a client that resumes its session is refused once its certificate has expired`(_ version: String) async throws
    {
        let authority = try await Authority()
        defer { authority.remove() }
        // A certificate must stay valid for a connection, on a loaded machine too.
        let script = """
            openssl req -newkey ed25519 -nodes -keyout brief.key -out brief.csr -subj /CN=brief &&
            openssl ca -batch -config ca.cnf -cert authority.pem -keyfile authority.key -in brief.csr -out brief.pem \
                -startdate 20200101000000Z -enddate $(date -u -d '+15 seconds' +%Y%m%d%H%M%SZ) -notext
            """
        let made = try await ChildProcess.start("bash", ["-c", "cd '\(authority.folder)' && { \(script)\n} 2>&1"])
            .exit()
        #expect(made.status == .exited(0), "\(String(decoding: made.output, as: UTF8.self))")
        let certificate = try authority.certificate("brief")
        let pin = try CertificatePin(of: certificate)
        let clients = TLSServer.Clients.certified(roots: [try authority.certificate("authority")])
        try await withDaemon(try authority.server("daemon", clients: clients)) { daemon in
            let options = "-cert brief.pem -key brief.key -alpn outpost-np/1 \(version)"
            let who = Message.request(id: 1, command: "who", payload: [])
            func ask(_ session: String) async throws -> String {
                try await openssl(authority, daemon.port, "\(options) \(session)", who, word: "\(pin)")
            }
            let first = try await ask("-sess_out session.pem")
            #expect(first.contains("\(pin)") && first.contains("New, TLSv1."), "\(first)")
            while Int(WallClock.milliseconds / 1_000) <= certificate.notValidAfter {
                try await Task.sleep(for: .milliseconds(100))
            }
            let late = try await ask("-sess_in session.pem")
            #expect(!late.contains("\(pin)") && late.contains("Reused, TLSv1."), "\(late)")
            await #expect(throws: Never.self) {
                let client = try await connect(daemon, try authority.client("client"))
                _ = try await client.request("reverse", [1])
                await client.close()
            }
        }
    }

    @Test func `a peer that has closed its direction is answered, and then the daemon closes its own too`() async throws
    {
        try await TestDaemon.with(.tls) { daemon in
            let peer = try await RawPeer.connect(daemon, halfCloses: true, tls: true)
            try await peer.send(packet(.request(id: 7, command: "reverse", payload: [1, 2])) + packet(.data([3])))
            try await peer.channel.close(mode: .output).get()
            var answers: Set<Message> = []
            while let answer = try await peer.packet() { answers.insert(try Message(payload: answer.payload)) }
            #expect(answers.subtracting([.ping]) == [.response(id: 7, payload: [2, 1]), .data([3])])
            let ending = await daemon.nextEnding()
            #expect(ending == .closedByPeer)
        }
    }

    @Test func `a connection that is cut below TLS ends with that reason, on either side`() async throws {
        let words = "the other side closed the connection without TLS's close_notify: what was last may be missing"
        try await TestDaemon.with(.tls) { daemon in
            let peer = try await RawPeer.connect(daemon, tls: true)
            try await peer.send(packet(.ping))
            let pong = try await peer.packet().map { try Message(payload: $0.payload) }
            #expect(pong == .pong)
            // The system reports the end of the data, as it does when an attacker cuts the connection of others.
            try await peer.channel.cut()
            let ending = await daemon.nextEnding()
            #expect(ending == .tls(reason: words))

            let client = try await daemon.connect(.tls)
            _ = try await client.ping()
            let connection = try #require(daemon.daemon.openConnections.first)
            let receiving = Task { try await client.receive() }
            try await connection.channel.cut()
            await #expect(throws: ConnectionError.tls(reason: words)) { _ = try await receiving.value }
        }
    }
}
