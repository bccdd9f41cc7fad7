internal import Foundation
internal import Identity
internal import Operations
internal import Testing

@testable import NetworkProtocol

/// The library against a peer that was written from `Docs/NETWORK-PROTOCOL.md` alone (Debian: python3-nacl,
/// python3-msgpack, python3-lz4, python3-zstandard). If either does anything that the document does not say, they do
/// not understand each other.
@Suite("A peer written from the document alone", .timeLimit(.minutes(10)))
struct PythonPeerTests {
    /// A folder that exists while `body` runs.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "peer-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    /// A daemon of the library, and its address for `peer.py`.
    private func withDaemon(
        _ trust: DocumentedTrust,
        compression: CompressionAlgorithm? = nil,
        _ body: (String) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            var options = DaemonOptions()
            options.connection.compression = compression.map { ConnectionOptions.Compression($0) }
            let ends = try TestEnds()
            defer { ends.remove() }
            try await TestDaemon.with([trust.listener(folder)], .forTests, options, ends) { daemon in
                try await body(trust == .unixSocket ? "unix:\(folder)/socket" : "127.0.0.1:\(daemon.port)")
            }
        }
    }

    @Test func `a peer written from the document makes the document's known answers`() async throws {
        let output = try await PythonPeer.run(["answers", KnownAnswers.document.path])
        #expect(output == "26 known answers\n")
    }

    @Test func `a peer written from the document reads each message in each format, and writes it in each`()
        async throws
    {
        try await withFolder { folder in
            let payloads = GoldenMessage.all.flatMap { golden in
                MessageFormat.allCases.map { Hexadecimal.text(golden.payload(in: $0)) }
            }
            let file = folder + "/payloads"
            try payloads.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
            let lines = try await PythonPeer.run(["messages", file]).split(separator: "\n")
            let expected = GoldenMessage.all.flatMap { golden in
                let formats = MessageFormat.allCases.map { Hexadecimal.text(golden.payload(in: $0)) }
                return formats.map { _ in formats.joined(separator: " ") }
            }
            #expect(lines.map(String.init) == expected)
        }
    }

    @Test(arguments: DocumentedTrust.allCases, MessageFormat.allCases)
    func `a peer written from the document is served by the library's daemon`(
        _ trust: DocumentedTrust,
        _ format: MessageFormat
    ) async throws {
        let compression = format.compressionInTests
        try await withDaemon(trust, compression: compression) { address in
            var words = ["client", address, "--format", format.word] + trust.words
            if let compression { words += ["--compression", compression.rawValue] }
            if trust.words.contains("--identity") { words += ["--who", "\(DocumentedTrust.theirs.endpointID)"] }
            try await PythonPeer.run(words)
        }
    }

    @Test(arguments: DocumentedTrust.sealed)
    func `a peer written from the document is refused what the document refuses`(_ trust: DocumentedTrust) async throws
    {
        try await withDaemon(trust) { address in
            let stranger = ["--stranger", Hexadecimal.text(DocumentedTrust.stranger)]
            try await PythonPeer.run(["refusals", address] + trust.words + (trust.knowsClient ? stranger : []))
        }
    }

    @Test(arguments: DocumentedTrust.allCases, MessageFormat.allCases)
    func `a peer written from the document serves the library's client`(
        _ trust: DocumentedTrust,
        _ format: MessageFormat
    ) async throws {
        try await withFolder { folder in
            let file = folder + "/address"
            let place = trust == .unixSocket ? "unix:\(folder)/socket" : "127.0.0.1:0"
            let words = ["daemon", place, "--address-file", file] + trust.words
            try await PythonPeer.with(words) { peer in
                let destination = trust.destination(try await peer.text(of: file))
                var options = ClientOptions()
                options.connection.format = format
                options.connection.compression = format.compressionInTests.map { ConnectionOptions.Compression($0) }
                let client = try await Client.connect(to: destination, options: options, logger: TestDaemon.silent)
                let provesKeys = trust.words.contains("--identity")
                let proved = try await client.connection().peer.endpointID
                #expect(proved == (provesKeys ? DocumentedTrust.theirs.endpointID : nil))
                try await talk(client, knownAs: provesKeys ? DocumentedTrust.ours.endpointID : nil)
                await client.close()
                let output = try await peer.end()
                #expect(output == "served Custom Data Disconnect Echo Failure Ping Pong Request\n")
            }
        }
    }

    /// The files that `peer.py` needs for TLS.
    private func write(_ own: SelfSignedCertificate, peer: SelfSignedCertificate, to folder: String) throws {
        for (name, text) in [
            ("own.pem", own.certificatePEM), ("own-key.pem", own.privateKeyPEM), ("peer.pem", peer.certificatePEM),
        ] {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
    }

    @Test(arguments: MessageFormat.allCases)
    func `a peer written from the document is served by the library's daemon inside TLS`(_ format: MessageFormat)
        async throws
    {
        try await TestDaemon.with(.tls) { daemon in
            let (ends, address) = (daemon.ends, "127.0.0.1:\(daemon.port)")
            try write(ends.clientCertificate, peer: ends.daemonCertificate, to: ends.folder)
            let who = "\(ends.clientCertificate.pin)"
            try await PythonPeer.run(
                ["client", address, "--tls", ends.folder, "--format", format.word, "--who", who]
            )
        }
    }

    @Test(arguments: MessageFormat.allCases)
    func `a peer written from the document serves the library's client inside TLS`(_ format: MessageFormat) async throws
    {
        let ends = try TestEnds()
        defer { ends.remove() }
        try write(ends.daemonCertificate, peer: ends.clientCertificate, to: ends.folder)
        let file = ends.folder + "/address"
        try await PythonPeer.with(["daemon", "127.0.0.1:0", "--address-file", file, "--tls", ends.folder]) { peer in
            let port = try #require(try await peer.text(of: file).split(separator: ":").last.flatMap { Int($0) })
            var options = ClientOptions()
            options.connection.format = format
            let destination = ends.destination(.tls, port: port)
            let client = try await Client.connect(to: destination, options: options, logger: TestDaemon.silent)
            #expect(try await client.connection().peer.certificatePin == ends.daemonCertificate.pin)
            try await talk(client, knownAs: nil)
            await client.close()
            let output = try await peer.end()
            #expect(output == "served Custom Data Disconnect Echo Failure Ping Pong Request\n")
        }
    }

    /// Everything that a client does. After sixteen answers the daemon has changed its key as often as it may.
    private func talk(_ client: Client, knownAs own: EndpointID?) async throws {
        #expect(try await client.request("reverse", [0, 1, 255]) == [255, 1, 0])
        #expect(try await client.request("who") == own?.publicKey ?? [])
        await #expect(throws: ConnectionError.refused(code: .refused, reason: "not today")) {
            _ = try await client.request("refuse")
        }
        await #expect(throws: ConnectionError.refused(code: .unknownCommand, reason: "unknown command")) {
            _ = try await client.request("nothing")
        }
        _ = try await client.ping()
        #expect(try await client.request("ping me") == [])
        let messages: [Message] = [
            .echo("grüß 😀"), .data(Array(0...255)), .custom(command: "reverse", payload: [1, 2]),
        ]
        for message in messages {
            try await client.send(#require(OutgoingMessage(message)))
            let back: Message =
                if case .custom = message { .custom(command: "reverse", payload: [2, 1]) } else { message }
            #expect(try await client.receive() == back)
        }
        let long = [UInt8](String(repeating: "one and the same text again and again. ", count: 2_000).utf8)
        for _ in 0..<3 { #expect(try await client.request("reverse", long) == long.reversed()) }
        try await withThrowingTaskGroup { group in
            for number in UInt8(0)..<12 {
                group.addTask {
                    let reply = try await client.request("reverse", [0, number])
                    #expect(reply == [number, 0])
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a peer written from the document and the library's client refuse each other by their keys`()
        async throws
    {
        try await withFolder { folder in
            let file = folder + "/address"
            let trust = DocumentedTrust.pinned
            let words = ["daemon", "127.0.0.1:0", "--address-file", file, "--count", "2"] + trust.words
            try await PythonPeer.with(words) { peer in
                let address = try await peer.text(of: file)
                let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
                let stranger = NumberedIdentity.key(3)
                func connect(_ trust: Trust) async throws {
                    _ = try await Client.connect(
                        to: .tcp(host: "127.0.0.1", port: port, trust: trust),
                        logger: TestDaemon.silent
                    )
                }
                let theirs = DocumentedTrust.theirs.endpointID
                await #expect {
                    try await connect(.pinned([theirs], identity: stranger))
                } throws: { error in
                    (error as? ConnectionError)?.failureCode == .unauthorized
                }
                await #expect(throws: ConnectionError.handshake(.notAdmitted(theirs))) {
                    try await connect(.pinned([stranger.endpointID], identity: DocumentedTrust.ours))
                }
                let lines = try await peer.end().split(separator: "\n")
                let key = Hexadecimal.text(stranger.endpointID.publicKey)
                #expect(lines == ["refused: it proved \(key)", "closed in the handshake"])
            }
        }
    }

    @Test func `a peer written from the document is a member of a cluster, and its seed`() async throws {
        try await withFolder { folder in
            // A silent member fails after a number of periods, and a busy machine keeps up with only a few of them.
            let period = Duration.seconds(1)
            try await ClusterTests.running(2, period: period, dispatcher: { _ in .forTests }) { clusters, members in
                let (address, done) = (folder + "/address", folder + "/done")
                let words = [
                    "member", "--key", ClusterTests.key.hexadecimal, "--name", "test",
                    "--identity", Hexadecimal.text([UInt8](repeating: 9, count: 32)), "--seed", "\(members[0].address)",
                    "--period", "1", "--ping-timeout", "0.4", "--count", "2", "--address-file", address,
                    "--done-file", done,
                ]
                try await PythonPeer.with(words) { peer in
                    for cluster in clusters { try await ClusterTests.has(cluster, 9) }
                    // Over TCP, under the key that both sides derive from the cluster's.
                    let id = NumberedIdentity.id(9)
                    #expect(try await clusters[0].request("reverse", [1, 2, 3], to: id) == [3, 2, 1])
                    #expect(try await peer.text(of: done) == "done")

                    // It alone informs another one of the members.
                    let seed = try await peer.text(of: address)
                    let third = Cluster(try ClusterTests.configuration(3, seeds: [seed], period: period))
                    let running = Task { try await third.run() }
                    for number in [UInt8](arrayLiteral: 1, 2, 9) { try await ClusterTests.has(third, number) }

                    var events = clusters[1].events.makeAsyncIterator()
                    peer.child.signal(SIGTERM)
                    var last: MembershipEvent.Change?
                    while last != .left {
                        let event = try #require(await events.next())
                        if event.member.number == 9 { last = event.change }
                        #expect(last != .failed)
                    }
                    try await peer.end()
                    running.cancel()
                    try? await running.value
                }
            }
        }
    }
}

extension ClusterTests {
    /// Waits until it is a member.
    fileprivate static func has(_ cluster: Cluster, _ number: UInt8) async throws {
        while !cluster.members.contains(where: { $0.number == number }) {
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
