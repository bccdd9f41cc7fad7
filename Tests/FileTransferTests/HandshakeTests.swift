internal import Cryptography
internal import Identity
internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("The handshake of a session", .ownThread)
struct HandshakeTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)
    private let alice = IdentityKey()
    private let bob = IdentityKey()
    private let source = [UInt8](repeating: 7, count: 18)

    private func initiator(
        _ peer: EndpointID? = nil,
        secret: [UInt8] = [],
        at now: Instant? = nil
    ) -> HandshakeInitiator {
        HandshakeInitiator(
            identity: alice,
            peer: peer ?? bob.endpointID,
            contactSecret: secret,
            parameters: SessionParameters(),
            now: now ?? start
        )
    }

    private func responder(_ identity: IdentityKey? = nil, secret: [UInt8] = []) -> HandshakeResponder {
        HandshakeResponder(
            identity: identity ?? bob,
            contactSecret: secret,
            parameters: SessionParameters(),
            now: start
        )
    }

    private func reply(_ answer: HandshakeResponder.Answer) -> [UInt8]? {
        if case .send(let bytes) = answer { bytes } else { nil }
    }

    private func isIgnored(_ answer: HandshakeResponder.Answer) -> Bool {
        if case .ignored = answer { true } else { false }
    }

    @Test(arguments: [[], [UInt8](repeating: 9, count: 16)])
    func `both ends prove their Endpoint IDs and have the same secrets, and no answer is longer than what it answers`(
        _ secret: [UInt8]
    ) throws {
        var one = initiator(secret: secret)
        var other = responder(secret: secret)
        let first = try #require(try one.poll(start))
        #expect(first.count == 1_200)
        #expect(Array(first[..<8]) == [UInt8](repeating: 0xff, count: 8))
        let second = try #require(reply(other.receive(first, from: source, start)))
        #expect(second.count <= first.count)
        let outgoing = try #require(try one.receive(second))
        guard case .established(let incoming) = other.receive(outgoing.reply, from: source, start) else {
            Issue.record("not established")
            return
        }
        #expect(outgoing.peer == bob.endpointID && incoming.peer == alice.endpointID)
        #expect(outgoing.k1 == incoming.k1 && outgoing.k2 == incoming.k2 && outgoing.k1 != outgoing.k2)
        #expect(outgoing.message3ID == incoming.message3ID)
        #expect(other.pendingCount == 0)
    }

    @Test func `who does not know the Endpoint ID or the contact secret gets no answer and costs no memory`() throws {
        let secret = [UInt8](repeating: 9, count: 16)
        var other = responder(secret: secret)
        let unknown = [UInt8](repeating: 8, count: 16)
        for (peer, known) in [(bob.endpointID, []), (bob.endpointID, unknown), (alice.endpointID, secret)] {
            var one = initiator(peer, secret: known)
            let message = try #require(try one.poll(start))
            #expect(isIgnored(other.receive(message, from: source, start)))
        }
        #expect(other.pendingCount == 0)
    }

    @Test func `a message 1 with any byte changed gets no answer`() throws {
        var one = initiator()
        var other = responder()
        let message = try #require(try one.poll(start))
        for index in stride(from: 0, to: message.count - 16, by: 7) {
            var changed = message
            changed[index] ^= 1
            #expect(isIgnored(other.receive(changed, from: source, start)), "byte \(index)")
        }
        for length in [0, 7, 8, 40, 1_199] {
            #expect(isIgnored(other.receive(Array(message.prefix(length)), from: source, start)))
        }
        #expect(other.pendingCount == 0)
    }

    @Test func `the same message 1 again gets the same message 2 from its address, and none from another`() throws {
        var one = initiator()
        var other = responder()
        let first = try #require(try one.poll(start))
        let second = reply(other.receive(first, from: source, start))
        #expect(second != nil && reply(other.receive(first, from: source, start)) == second)
        #expect(isIgnored(other.receive(first, from: [UInt8](repeating: 8, count: 18), start)))
        #expect(other.pendingCount == 1)
    }

    @Test func `a responder with another key than the expected one is refused, although it knows the ID`() throws {
        // Who knows bob's ID can build messages that bob would accept; only bob's signature is missing.
        var one = initiator()
        let first = try #require(try one.poll(start))
        let mallory = IdentityKey()
        let probe = ProbeKey(responder: bob.endpointID, contactSecret: [])
        let noise = NoiseXX.Responder(prologue: HandshakePrologue.bytes(bob.endpointID), encoding: .representative)
        var second: [UInt8] = []
        second.append(bigEndian: probe.connectionID(of: .second, answering: Array(first[8..<40])).value)
        let read = try noise.readMessage1(first.span.extracting(8..<first.count - 32))
        let writing = try read.writeKeys(staticKey: StaticKey(), ephemeral: EphemeralKey(.representative), to: &second)
        let payload = IdentityProof.payload(
            mallory,
            role: .responder,
            hash: writing.hash,
            parameters: SessionParameters()
        )
        _ = writing.writePayload(payload, to: &second)
        var failure: HandshakeFailure?
        do throws(HandshakeFailure) { _ = try one.receive(second) } catch { failure = error }
        #expect(failure == .wrongIdentity)
    }

    @Test func `forged and changed messages 2 and 3 establish nothing`() throws {
        var one = initiator()
        var other = responder()
        let first = try #require(try one.poll(start))
        var second = try #require(reply(other.receive(first, from: source, start)))
        second[second.count - 1] ^= 1
        #expect(try one.receive(second) == nil)
        // The next attempt is not harmed.
        let later = start + 250_000_000
        let again = try #require(try one.poll(later))
        let good = try #require(reply(other.receive(again, from: source, later)))
        var third = try #require(try one.receive(good)).reply
        third[third.count - 1] ^= 1
        #expect(isIgnored(other.receive(third, from: source, later)))
    }

    @Test func `an initiator sends six messages, each with its own key, and gives up after 10 s`() throws {
        var one = initiator()
        var messages: [[UInt8]] = []
        var now = start
        var failure: HandshakeFailure?
        while failure == nil {
            now = one.nextDeadline
            do throws(HandshakeFailure) {
                if let message = try one.poll(now) { messages.append(message) }
            } catch { failure = error }
        }
        #expect(failure == .unanswered)
        #expect(now - start == 10_000_000_000)
        #expect(Set(messages.map { Array($0[8..<40]) }).count == 6)
    }

    @Test func `a flood of first messages is bounded for an address and in all, and cookies let others in`() throws {
        var other = responder()
        func from(_ index: Int) -> [UInt8] {
            [UInt8](repeating: 0, count: 14) + [UInt8(index >> 8), UInt8(index & 255), 0, 1]
        }
        // One address.
        for _ in 0..<20 {
            var one = initiator()
            _ = other.receive(try #require(try one.poll(start)), from: from(1), start)
        }
        #expect(other.pendingCount == 8)
        for index in 2..<200 {
            var one = initiator()
            let message = try #require(try one.poll(start))
            let answer = try #require(reply(other.receive(message, from: from(index), start)))
            #expect(answer.count <= message.count)
        }
        #expect(other.pendingCount == 64)
        // One that gets its answers is let in, with one more message.
        var one = initiator()
        let message = try #require(try one.poll(start))
        let cookie = try #require(reply(other.receive(message, from: from(300), start)))
        #expect(try one.receive(cookie) == nil)
        let second = try #require(try one.poll(start))
        // From where the cookie was not sent to, it is worth nothing.
        let elsewhere = try #require(reply(other.receive(second, from: from(301), start)))
        #expect(elsewhere.count == cookie.count)
        let answer = try #require(reply(other.receive(second, from: from(300), start)))
        let outgoing = try #require(try one.receive(answer))
        guard case .established = other.receive(outgoing.reply, from: from(300), start) else {
            Issue.record("not established")
            return
        }
        // What is not finished is forgotten after 10 s.
        var late = initiator(at: start + 10_000_000_000)
        _ = other.receive(try #require(try late.poll(start + 10_000_000_000)), from: from(1), start + 10_000_000_000)
        #expect(other.pendingCount == 1)
    }

    @Test func `parameters come back as they were, unknown fields are skipped, and unknown critical ones are not`()
        throws
    {
        var parameters = SessionParameters()
        parameters.suites = [.xChaCha20Poly1305, .aes256GCM]
        parameters.idleTimeout = 5_000
        parameters.sessionCredit = 1 << 40
        #expect(try SessionParameters(parsing: parameters.encoded) == parameters)
        #expect(try SessionParameters(parsing: parameters.encoded + [0x12, 0x34, 0, 1, 9]) == parameters)
        let cases: [([UInt8], HandshakeFailure)] = [
            (parameters.encoded + [0x92, 0x34, 0, 0], .unknownCriticalField(0x9234)),
            (parameters.encoded + [0, 4, 0, 2, 1, 1], .malformed("field 4 twice")),
            (Array(parameters.encoded.dropLast()), .malformed("a field is longer than the message")),
            ([], .noCommonVersion([])),
            ([0x80, 1, 0, 1, 2, 0x80, 2, 0, 1, 1], .noCommonVersion([2])),
            ([0x80, 1, 0, 1, 1, 0x80, 2, 0, 1, 2], .malformed("it lacks suite 1")),
        ]
        for (bytes, expected) in cases {
            var failure: HandshakeFailure?
            do throws(HandshakeFailure) { _ = try SessionParameters(parsing: bytes) } catch { failure = error }
            #expect(failure == expected)
        }
    }
}
