internal import Cryptography
internal import Identity
internal import Testing

@testable import NetworkProtocol

/// The library computes what the document prints; `Tests/NetworkProtocolPeer` computes the same from the document
/// alone.
@Suite("Known answers of the document")
struct KnownAnswerTests {
    private func packet(_ message: Message) throws -> [UInt8] {
        let payload = message.payload()
        return try PacketHeader(flags: [], payloadLength: payload.count).bytes + payload
    }

    /// The record's whole packet.
    private func record(_ payload: [UInt8], _ sealer: inout RecordSealer) throws -> [UInt8] {
        let header = try PacketHeader(flags: .encrypted, payloadLength: payload.count + 16).bytes
        var record = payload + [UInt8](repeating: 0, count: 16)
        var span = record.mutableSpan
        var bytes = span.mutableBytes
        sealer.seal(&bytes, header: header.span.bytes)
        return header + record
    }

    @Test func `a handshake with given keys and nonces has the document's bytes`() throws {
        let answers = try KnownAnswers()
        let client = try #require(IdentityKey(seed: try answers("client identity, private")))
        let daemon = try #require(IdentityKey(seed: try answers("daemon identity, private")))
        #expect(try client.endpointID.publicKey == answers("client identity, public"))
        #expect(try daemon.endpointID.publicKey == answers("daemon identity, public"))
        let secret = try #require(PreSharedKey(try answers("pre-shared key")))
        let timestamp = try answers.number("timestamp")

        var bytes = GivenBytes(try answers("client ephemeral, private") + answers("client nonce"))
        let first = HandshakeInitiator(
            trust: .pinned(identity: client, preSharedKey: secret) { $0 == daemon.endpointID },
            timestamp: timestamp,
            using: &bytes
        )
        #expect(bytes.isEmpty)
        #expect(try packet(.handshakeInit(first.opening)) == answers("packet with Init"))

        bytes = GivenBytes(try answers("daemon ephemeral, private") + answers("daemon nonce"))
        let second = try HandshakeResponder(
            trust: .pinned(identity: daemon, preSharedKey: secret) { $0 == client.endpointID },
            opening: first.opening,
            now: timestamp,
            seen: { _ in false },
            using: &bytes
        )
        #expect(bytes.isEmpty)
        let response = second.response
        #expect(try packet(.handshakeResponse(response)) == answers("packet with Response"))
        var transcript = HandshakeTranscript(
            first.opening,
            responderKey: response.publicKey,
            responderNonce: response.nonce
        )
        #expect(try transcript.hash == answers("th1"))

        let (confirm, mine) = try first.receive(response)
        #expect(try packet(.handshakeConfirm(confirm)) == answers("packet with Confirm"))
        let (theirs, refusal) = try second.receive(confirm)
        #expect(refusal == nil && theirs.peer == client.endpointID && mine.peer == daemon.endpointID)
        transcript.append(response.challenge)
        #expect(try transcript.hash == answers("th2"))
        transcript.append(confirm.challenge)
        #expect(try transcript.hash == answers("th3"))
        #expect(try Array(mine.sending) == answers("client traffic key") && theirs.receiving == mine.sending)
        #expect(try Array(mine.receiving) == answers("daemon traffic key") && theirs.sending == mine.receiving)
    }

    @Test func `records before and after a change of the key have the document's bytes`() throws {
        let answers = try KnownAnswers()
        var daemon = RecordSealer(
            secret: Secret(try answers("daemon traffic key")),
            contexts: CipherContexts(),
            now: .now
        )
        #expect(try record(Message.pong.payload(), &daemon) == answers("daemon record 0: Pong"))

        var client = RecordSealer(
            secret: Secret(try answers("client traffic key")),
            contexts: CipherContexts(),
            now: .now
        )
        #expect(try record(Message.ping.payload(), &client) == answers("client record 0: Ping"))
        #expect(try record([], &client) == answers("client record 1: empty"))
        client.rekey(now: .now)
        #expect(try record(Message.ping.payload(), &client) == answers("client record 0: Ping again"))

        // And accepted.
        var opener = RecordOpener(secret: Secret(try answers("client traffic key")), contexts: CipherContexts())
        var decoder = PacketDecoder()
        let names = ["client record 0: Ping", "client record 1: empty", "client record 0: Ping again"]
        var input = try names.flatMap { try answers($0) }[...]
        for payload in [Message.ping.payload(), [], Message.ping.payload()] {
            let packet = try #require(try decoder.next(&input))
            let opened = opener.open(packet)
            #expect(opened == payload)
        }
    }

    @Test func `a datagram of a cluster, and what its key is made into, have the document's bytes`() throws {
        let answers = try KnownAnswers()
        let key = try #require(ClusterKey(try answers("cluster key")))
        let name = String(decoding: try answers("cluster name"), as: UTF8.self)
        let derived = key.derived(clusterName: name)
        #expect(try Array(derived.key) == answers("sealing key") && [derived.fingerprint] == answers("fingerprint"))
        #expect(try Array(key.messagingKey(clusterName: name).secret) == answers("messaging pre-shared key"))

        let sender = try #require(MemberID(publicKey: try answers("sender")))
        let target = try #require(MemberID(publicKey: try answers("target")))
        let address = try #require(MemberAddress("192.0.2.1:7000"))
        let message = SwimMessage(
            sender: sender,
            body: .ping(sequence: try answers.number("sequence"), target: target),
            updates: [
                SwimUpdate(
                    id: sender,
                    incarnation: try answers.number("sender's incarnation"),
                    claim: .alive(address, messagingPort: 7001)
                ),
                SwimUpdate(
                    id: target,
                    incarnation: try answers.number("target's incarnation"),
                    claim: .suspect(SwimAccusers(sender))
                ),
            ]
        )
        #expect(try message.encoded() == answers("message"))
        let keyring = SwimKeyring(clusterName: name, keys: [key])
        let time = Int64(try answers.number("time"))
        let sealed = keyring.seal(message.encoded(), sentAt: time, nonce: try answers("datagram nonce"))
        #expect(try sealed == answers("datagram"))
        let opened = try keyring.open(try answers("datagram"))
        #expect(try SwimMessage(decoding: opened.message) == message && opened.sentAt == time)

        func record(_ id: MemberID, _ incarnation: String) throws -> SwimMembers.Record {
            SwimMembers.Record(
                id: id,
                address: address,
                messagingPort: 0,
                incarnation: try answers.number(incarnation),
                status: .alive,
                since: 0
            )
        }
        var members = SwimMembers(own: try record(sender, "sender's incarnation"), limit: 2)
        _ = members.insert(try record(target, "target's incarnation"))
        #expect(try members.digest == answers.number("digest"))
    }
}
