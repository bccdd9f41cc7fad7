internal import Identity
internal import Testing

@testable import NetworkProtocol

@Suite("A handshake")
struct HandshakeTests {
    let server = IdentityKey()
    let client = IdentityKey()
    let stranger = IdentityKey()
    static let now: UInt64 = 1_763_724_000_000

    struct Outcome {
        var initiator: HandshakeResult
        var responder: HandshakeResult
        var refusal: HandshakeError?
    }

    /// Both sides, with `change` applied to everything that they exchange.
    func run(
        initiator: Trust,
        responder: Trust,
        clock: Int64 = 0,
        init changeInit: (HandshakeInit) -> HandshakeInit = { $0 },
        response changeResponse: (HandshakeResponse) -> HandshakeResponse = { $0 },
        confirm changeConfirm: (HandshakeConfirm) -> HandshakeConfirm = { $0 }
    ) throws(HandshakeError) -> Outcome {
        var generator = SplitMix64(seed: 1)
        let timestamp = UInt64(Int64(HandshakeTests.now) + clock)
        let first = HandshakeInitiator(trust: initiator, timestamp: timestamp, using: &generator)
        let second = try HandshakeResponder(
            trust: responder,
            opening: changeInit(first.opening),
            now: HandshakeTests.now,
            seen: { _ in false },
            using: &generator
        )
        let (confirm, mine) = try first.receive(changeResponse(second.response))
        let (theirs, refusal) = try second.receive(changeConfirm(confirm))
        return Outcome(initiator: mine, responder: theirs, refusal: refusal)
    }

    func expectAgreement(_ outcome: Outcome) {
        #expect(outcome.refusal == nil)
        #expect(outcome.initiator.sending == outcome.responder.receiving)
        #expect(outcome.initiator.receiving == outcome.responder.sending)
        #expect(outcome.initiator.sending != outcome.initiator.receiving)
    }

    @Test func `a handshake by pinned keys makes each know the other`() throws {
        let outcome = try run(
            initiator: .pinned([server.endpointID], identity: client),
            responder: .pinned([client.endpointID, stranger.endpointID], identity: server)
        )
        expectAgreement(outcome)
        #expect(outcome.initiator.peer == server.endpointID)
        #expect(outcome.responder.peer == client.endpointID)
    }

    @Test func `a handshake by a pre-shared key agrees, and identifies no side`() throws {
        let key = try #require(PreSharedKey([UInt8](repeating: 9, count: 32)))
        let outcome = try run(initiator: .preSharedKey(key), responder: .preSharedKey(key))
        expectAgreement(outcome)
        #expect(outcome.initiator.peer == nil && outcome.responder.peer == nil)
    }

    @Test func `an anonymous handshake agrees if both ask for it explicitly`() throws {
        expectAgreement(try run(initiator: .anonymous, responder: .anonymous))
    }

    @Test func `a client may know the daemon and stay unknown itself`() throws {
        let outcome = try run(
            initiator: .pinned([server.endpointID], identity: client),
            responder: .anonymous(identity: server)
        )
        expectAgreement(outcome)
        #expect(outcome.responder.peer == client.endpointID)
    }

    @Test func `a daemon with another key is refused before the client says who it is`() {
        #expect(throws: HandshakeError.notAdmitted(stranger.endpointID)) {
            _ = try run(
                initiator: .pinned([server.endpointID], identity: client),
                responder: .pinned([client.endpointID], identity: stranger)
            )
        }
    }

    @Test func `a client with another key is refused, and the keys still serve to tell it`() throws {
        let outcome = try run(
            initiator: .pinned([server.endpointID], identity: stranger),
            responder: .pinned([client.endpointID], identity: server)
        )
        #expect(outcome.refusal == .notAdmitted(stranger.endpointID))
        #expect(outcome.initiator.receiving == outcome.responder.sending)
    }

    @Test func `a peer that proves nothing is refused where a key is required`() throws {
        #expect(throws: HandshakeError.noIdentity) {
            _ = try run(initiator: .pinned([server.endpointID], identity: client), responder: .anonymous)
        }
        let outcome = try run(initiator: .anonymous, responder: .pinned([client.endpointID], identity: server))
        #expect(outcome.refusal == .noIdentity)
    }

    @Test func `no kind of trust is talked down to another`() throws {
        let key = try #require(PreSharedKey([UInt8](repeating: 9, count: 32)))
        let other = try #require(PreSharedKey([UInt8](repeating: 8, count: 32)))
        let pinned = Trust.pinned([server.endpointID], identity: client)
        for (initiator, responder) in [
            (Trust.preSharedKey(key), Trust.preSharedKey(other)), (.preSharedKey(key), .anonymous),
            (.anonymous, .preSharedKey(key)), (pinned, .preSharedKey(key)),
            (.preSharedKey(key), .pinned([client.endpointID], identity: server)),
        ] {
            #expect(throws: HandshakeError.notAuthentic) { _ = try run(initiator: initiator, responder: responder) }
        }
    }

    @Test(arguments: [-5_001, 5_001, 60_000, -1_763_724_000_000] as [Int64])
    func `a clock that is more than five seconds off is refused`(skew: Int64) {
        #expect(throws: HandshakeError.clockSkew(milliseconds: skew)) {
            _ = try run(initiator: .anonymous, responder: .anonymous, clock: skew)
        }
    }

    @Test(arguments: [-5_000, 0, 5_000] as [Int64])
    func `five seconds either way are allowed`(skew: Int64) throws {
        expectAgreement(try run(initiator: .anonymous, responder: .anonymous, clock: skew))
    }

    @Test func `any timestamp is judged and none traps`() {
        for timestamp in [0, 1, UInt64(Int64.max), UInt64(Int64.max) + 1, .max] {
            #expect(throws: HandshakeError.self) {
                _ = try run(
                    initiator: .anonymous,
                    responder: .anonymous,
                    init: {
                        HandshakeInit(publicKey: $0.publicKey, timestamp: timestamp, nonce: $0.nonce)
                    }
                )
            }
        }
    }

    @Test func `an opening that was seen is refused`() throws {
        var generator = SplitMix64(seed: 2)
        let opening = HandshakeInitiator(trust: .anonymous, timestamp: HandshakeTests.now, using: &generator).opening
        var cache = ReplayCache()
        func answer() throws(HandshakeError) {
            _ = try HandshakeResponder(
                trust: .anonymous,
                opening: opening,
                now: HandshakeTests.now,
                seen: { cache.hasSeen($0) },
                using: &generator
            )
        }
        try answer()
        #expect(throws: HandshakeError.replayed) { try answer() }
    }

    /// Points of small order on Curve25519 and its twist (RFC 7748, section 6.1; the list of
    /// curve25519.cr.yp.to/ecdh.html).
    static let weakKeys = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    @Test(arguments: weakKeys)
    func `keys that lead to a publicly known secret are refused by both sides`(hexadecimal: String) throws {
        let key = try #require(Hexadecimal.bytes(hexadecimal))
        #expect(throws: HandshakeError.weakKey) {
            _ = try run(
                initiator: .anonymous,
                responder: .anonymous,
                init: {
                    HandshakeInit(publicKey: key, timestamp: $0.timestamp, nonce: $0.nonce)
                }
            )
        }
        #expect(throws: HandshakeError.weakKey) {
            _ = try run(
                initiator: .anonymous,
                responder: .anonymous,
                response: {
                    HandshakeResponse(publicKey: key, nonce: $0.nonce, challenge: $0.challenge)
                }
            )
        }
    }

    @Test func `a change of any byte on the way is noticed`() {
        func changed(_ bytes: [UInt8], _ index: Int) -> [UInt8] {
            var bytes = bytes
            bytes[index] ^= 0x40
            return bytes
        }
        let (one, other) = (
            Trust.pinned([server.endpointID], identity: client), Trust.pinned([client.endpointID], identity: server)
        )
        for index in 0..<16 {
            #expect(throws: HandshakeError.notAuthentic) {
                _ = try run(
                    initiator: one,
                    responder: other,
                    init: {
                        HandshakeInit(publicKey: $0.publicKey, timestamp: $0.timestamp, nonce: changed($0.nonce, index))
                    }
                )
            }
            #expect(throws: HandshakeError.notAuthentic) {
                _ = try run(
                    initiator: one,
                    responder: other,
                    response: {
                        HandshakeResponse(
                            publicKey: $0.publicKey,
                            nonce: changed($0.nonce, index),
                            challenge: $0.challenge
                        )
                    }
                )
            }
        }
        for index in 0..<HandshakeProof.challengeLength {
            #expect(throws: HandshakeError.notAuthentic) {
                _ = try run(
                    initiator: one,
                    responder: other,
                    response: {
                        HandshakeResponse(
                            publicKey: $0.publicKey,
                            nonce: $0.nonce,
                            challenge: changed($0.challenge, index)
                        )
                    }
                )
            }
            #expect(throws: HandshakeError.notAuthentic) {
                _ = try run(
                    initiator: one,
                    responder: other,
                    confirm: {
                        HandshakeConfirm(challenge: changed($0.challenge, index))
                    }
                )
            }
        }
        #expect(throws: HandshakeError.notAuthentic) {
            _ = try run(
                initiator: one,
                responder: other,
                init: {
                    HandshakeInit(publicKey: $0.publicKey, timestamp: $0.timestamp + 1, nonce: $0.nonce)
                }
            )
        }
    }

    @Test(arguments: [0, 1, 112, 114, 100_000])
    func `a challenge of another length is refused`(length: Int) {
        #expect(throws: HandshakeError.notAuthentic) {
            _ = try run(
                initiator: .anonymous,
                responder: .anonymous,
                confirm: { _ in
                    HandshakeConfirm(challenge: [UInt8](repeating: 0, count: length))
                }
            )
        }
    }

    @Test func `the responder's own challenge sent back to it proves nothing`() throws {
        var challenge: [UInt8] = []
        #expect(throws: HandshakeError.notAuthentic) {
            _ = try run(
                initiator: .pinned([server.endpointID], identity: client),
                responder: .pinned([server.endpointID], identity: server),
                response: {
                    challenge = $0.challenge
                    return $0
                },
                confirm: { _ in HandshakeConfirm(challenge: challenge) }
            )
        }
    }

    @Test func `the openings are forgotten oldest first, and never more than its capacity are kept`() {
        var generator = SplitMix64(seed: 3)
        var cache = ReplayCache(capacity: 4)
        let openings = (0..<6).map { _ in
            HandshakeInitiator(trust: .anonymous, timestamp: 0, using: &generator).opening
        }
        let fresh = openings.map { cache.hasSeen($0) }
        #expect(fresh == [false, false, false, false, false, false])
        #expect(cache.count == 4)
        let kept = openings.suffix(4).map { cache.hasSeen($0) }
        #expect(kept == [true, true, true, true])
        let forgotten = cache.hasSeen(openings[0])
        #expect(!forgotten)
    }
}
