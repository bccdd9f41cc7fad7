internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Noise XX", .ownThread)
struct NoiseXXTests {
    private static let encodings: [EphemeralKey.Encoding] = [.plain, .representative]

    @Test func `both ends have the same keys, hashes and payloads, and know each other's static key`() throws {
        for encoding in Self.encodings {
            let exchange = NoiseExchange(encoding: encoding)
            let result = try exchange.run()
            #expect(result.payloads == exchange.payloads)
            #expect(result.staticKeys == [exchange.responderStatic.publicKey, exchange.initiatorStatic.publicKey])
            #expect(result.k1[0] == result.k1[1] && result.k2[0] == result.k2[1] && result.k1[0] != result.k2[0])
            #expect(result.k1[0].count == 32 && result.k2[0].count == 32)
            #expect(result.handshakeHashes[0] == result.handshakeHashes[1])
            #expect(result.messages.map(\.count) == [32 + 5, 96 + 6, 64 + 5])
        }
    }

    @Test func `bytes, hash and transport keys are those of the published vectors`() throws {
        for vector in [NoiseVector.cacophony, .snow] {
            let exchange = NoiseExchange(
                encoding: .plain,
                prologue: Hexadecimal.bytes(vector.prologue),
                payloads: vector.messages.prefix(3).map { Hexadecimal.bytes($0.payload) },
                initiatorStatic: StaticKey(secret: Secret(Hexadecimal.bytes(vector.initiatorStatic))),
                responderStatic: StaticKey(secret: Secret(Hexadecimal.bytes(vector.responderStatic))),
                ephemeralSecrets: (
                    Secret(Hexadecimal.bytes(vector.initiatorEphemeral)),
                    Secret(Hexadecimal.bytes(vector.responderEphemeral))
                )
            )
            let result = try exchange.run()
            #expect(result.messages == vector.messages.prefix(3).map { Hexadecimal.bytes($0.bytes) })
            if let hash = vector.handshakeHash {
                #expect(Hexadecimal.text(result.handshakeHashes[0]) == hash)
            }
            // The responder sends first.
            #expect(vector.messages.count > 4)
            for (index, message) in vector.messages.dropFirst(3).enumerated() {
                let secret = index % 2 == 0 ? result.k2[0] : result.k1[0]
                var key = AEADKey(.xChaCha20Poly1305, key: secret, contexts: CipherContexts())
                var bytes = Hexadecimal.bytes(message.payload) + [UInt8](repeating: 0, count: 16)
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                key.seal(&raw, nonce: [0, UInt32(index / 2), 0], authenticating: RawSpan())
                #expect(bytes == Hexadecimal.bytes(message.bytes))
            }
        }
    }

    @Test func `messages 1 and 2 begin with representatives in one form, with public keys in the other`() throws {
        let hidden = try NoiseExchange(encoding: .representative, seed: 7).run()
        let plain = try NoiseExchange(encoding: .plain, seed: 7).run()
        func written(_ encoding: EphemeralKey.Encoding) -> [[UInt8]] {
            var generator = RandomBytes(seed: 7)
            return (0..<2).map { _ in EphemeralKey(encoding, using: &generator).written }
        }
        #expect(hidden.messages[..<2].map { Array($0[..<32]) } == written(.representative))
        #expect(plain.messages[..<2].map { Array($0[..<32]) } == written(.plain))
        #expect(written(.plain) != written(.representative))
    }

    @Test func `the hash that a payload signs is that after the static key, at both ends`() throws {
        let exchange = NoiseExchange()
        let result = try exchange.run()
        #expect(result.writtenHashes == result.readHashes)
        #expect(Set(result.writtenHashes + result.handshakeHashes).count == 3)
        // h after message 2's s is over all pieces so far, one by one.
        var state = NoiseSymmetricState(protocolName: NoiseXX.name, prologue: exchange.prologue.span)
        func mix(_ message: Int, _ range: Range<Int>) {
            let piece = Array(result.messages[message - 1][range])
            state.mixHash(piece.span)
        }
        mix(1, 0..<32)
        mix(1, 32..<37)
        mix(2, 0..<32)
        mix(2, 32..<80)
        #expect(result.writtenHashes[0] == state.handshakeHash)
        mix(2, 80..<102)
        mix(3, 0..<48)
        #expect(result.writtenHashes[1] == state.handshakeHash)
        mix(3, 48..<69)
        #expect(result.handshakeHashes[0] == state.handshakeHash)
        // Another second payload changes only later hashes.
        let other = try NoiseExchange(payloads: [exchange.payloads[0], [], exchange.payloads[2]]).run()
        #expect(other.writtenHashes[0] == result.writtenHashes[0])
        #expect(other.writtenHashes[1] != result.writtenHashes[1])
    }

    @Test func `every truncation of every message is refused, a short one before anything is computed`() {
        for encoding in Self.encodings {
            let lengths = [32 + 5, 96 + 6, 64 + 5]
            for (index, overhead) in [32, 96, 64].enumerated() {
                for length in 0..<lengths[index] {
                    let refusal = NoiseExchange(encoding: encoding) { number, bytes in
                        number == index + 1 ? Array(bytes.prefix(length)) : bytes
                    }.refusal()
                    if length < overhead {
                        let failure = NoiseFailure.truncated(length: length, minimum: overhead)
                        #expect(refusal == .init(message: index + 1, failure: failure))
                    } else {
                        // Message 1 has no tag: the initiator notices.
                        #expect(refusal == .init(message: max(2, index + 1), failure: .notAuthentic))
                    }
                }
            }
        }
    }

    @Test func `every changed byte of every message is refused, and so is one too many`() {
        for encoding in Self.encodings {
            let lengths = [32 + 5, 96 + 6, 64 + 5]
            for (index, length) in lengths.enumerated() {
                for position in 0...length {
                    for bit: UInt8 in [0x01, 0x80] {
                        let refusal = NoiseExchange(encoding: encoding) { number, bytes in
                            if number != index + 1 { return bytes }
                            var changed = bytes
                            if position == length { changed.append(bit) } else { changed[position] ^= bit }
                            return changed
                        }.refusal()
                        #expect(refusal == .init(message: max(2, index + 1), failure: .notAuthentic))
                    }
                }
            }
        }
    }

    @Test func `payloads have any length up to what fits into 65535 bytes`() throws {
        let maxima = [65_535 - 32, 65_535 - 96, 65_535 - 64]
        for lengths in [[0, 0, 0], [1, 1, 1], maxima, [maxima[0], 0, maxima[2]]] {
            let payloads = lengths.map { [UInt8](repeating: 0x5a, count: $0) }
            let result = try NoiseExchange(payloads: payloads).run()
            #expect(result.payloads == payloads)
            #expect(result.messages.map(\.count) == zip(lengths, [32, 96, 64]).map { $0 + $1 })
        }
        #expect(maxima[0] + NoiseXX.message1Overhead == NoiseXX.maximumMessageLength)
        #expect(maxima[1] + NoiseXX.message2Overhead == NoiseXX.maximumMessageLength)
        #expect(maxima[2] + NoiseXX.message3Overhead == NoiseXX.maximumMessageLength)
    }

    @Test func `a message of more than 65535 bytes from the peer is refused`() {
        for number in 1...3 {
            let refusal = NoiseExchange { $0 == number ? $1 + [UInt8](repeating: 0, count: 65_536 - $1.count) : $1 }
                .refusal()
            #expect(refusal == .init(message: number, failure: .tooLong(length: 65_536)))
            // One byte less is only not authentic.
            let longest = NoiseExchange { $0 == number ? $1 + [UInt8](repeating: 0, count: 65_535 - $1.count) : $1 }
                .refusal()
            #expect(longest == .init(message: max(2, number), failure: .notAuthentic))
        }
    }

    @Test func `a payload that does not fit is our own error`() async {
        await #expect(processExitsWith: .failure) {
            _ = try? NoiseExchange(payloads: [[UInt8](repeating: 0, count: 65_504), [], []]).run()
        }
        await #expect(processExitsWith: .failure) {
            _ = try? NoiseExchange(payloads: [[], [UInt8](repeating: 0, count: 65_440), []]).run()
        }
        await #expect(processExitsWith: .failure) {
            _ = try? NoiseExchange(payloads: [[], [], [UInt8](repeating: 0, count: 65_472)]).run()
        }
        // A control: none of this traps by itself.
        await #expect(processExitsWith: .success) {
            _ = try? NoiseExchange(payloads: [[UInt8](repeating: 0, count: 65_503), [], []]).run()
        }
    }

    @Test func `ends with different prologues or encodings do not understand each other`() {
        let expected = NoiseExchange.Refusal(message: 2, failure: .notAuthentic)
        #expect(NoiseExchange(responderPrologue: Array("tesT".utf8)).refusal() == expected)
        #expect(NoiseExchange(responderPrologue: []).refusal() == expected)
        #expect(NoiseExchange(encoding: .plain, responderEncoding: .representative).refusal() == expected)
        #expect(NoiseExchange(encoding: .representative, responderEncoding: .plain).refusal() == expected)
        #expect(NoiseExchange().refusal() == nil)
    }

    @Test func `a message in the place of another, of the same or of another handshake, is refused`() throws {
        let other = try NoiseExchange(seed: 99).run().messages
        for encoding in Self.encodings {
            var own: [[UInt8]] = []
            for (place, number) in [(2, 1), (3, 1), (3, 2)] {
                let refusal = NoiseExchange(encoding: encoding) { at, bytes in
                    own = at == 1 ? [bytes] : own + [bytes]
                    // Long enough for its place.
                    return at == place ? own[number - 1] + [UInt8](repeating: 0, count: 64) : bytes
                }.refusal()
                #expect(refusal == .init(message: place, failure: .notAuthentic))
            }
            for number in 1...3 {
                let refusal = NoiseExchange(encoding: encoding) { $0 == number ? other[number - 1] : $1 }.refusal()
                #expect(refusal == .init(message: max(2, number), failure: .notAuthentic))
            }
            // Both of them answer, or both of them ask.
            for message in other {
                let refusal = NoiseExchange(encoding: encoding) { $0 == 1 ? message : $1 }.refusal()
                #expect(refusal == .init(message: 2, failure: .notAuthentic))
            }
        }
    }

    @Test func `a peer's ephemeral key of low order is refused, however it is written`() {
        for point in CurveNumbers.lowOrder {
            for number in 1...2 {
                let refusal = NoiseExchange(encoding: .plain) { $0 == number ? point + $1.dropFirst(32) : $1 }.refusal()
                #expect(refusal == .init(message: number, failure: .lowOrderPoint))
            }
        }
        // The five that have low order only with bit 255, which X25519 ignores, are ordinary keys.
        for point in CurveNumbers.lowOrderWithBit255 {
            let refusal = NoiseExchange(encoding: .plain) { $0 == 1 ? point + $1.dropFirst(32) : $1 }.refusal()
            #expect(refusal == .init(message: 2, failure: .notAuthentic))
        }
    }

    @Test func `a representative of a point of low order is refused`() {
        var tried = 0
        for point in CurveNumbers.lowOrder where FieldProbe.isOnCurve(point) {
            for randomness: UInt8 in [0x00, 0x01, 0x40, 0x81, 0xc1] {
                guard let written = Elligator2.encode(point, randomness: randomness) else { continue }
                tried += 1
                for number in 1...2 {
                    let refusal = NoiseExchange { $0 == number ? written + $1.dropFirst(32) : $1 }.refusal()
                    #expect(refusal == .init(message: number, failure: .lowOrderPoint))
                }
            }
        }
        // u = 0 and u = 1 have some, and each is written in four ways; the points of order 8 have none.
        #expect(tried == 40)
    }

    @Test func `a responder's static key of low order is refused by the initiator`() throws {
        for point in CurveNumbers.lowOrder {
            let own = EphemeralKey(.plain)
            var first: [UInt8] = []
            let initiator = NoiseXX.Initiator(prologue: [], staticKey: StaticKey(), ephemeral: EphemeralKey(.plain))
                .writeMessage1(payload: [], to: &first)
            // A responder that follows the rules, except for its static key.
            var state = NoiseSymmetricState(protocolName: NoiseXX.name, prologue: Span())
            let ephemeral = state.readEphemeral(first.span, .plain)
            state.mixHash(Span())
            var second: [UInt8] = []
            state.writeEphemeral(own, to: &second)
            try state.agree(own.sharedSecret(with: ephemeral))
            state.encryptAndHash(point, to: &second)
            state.mixKey(Secret([UInt8](repeating: 0, count: 32)))
            state.encryptAndHash([], to: &second)
            do {
                _ = try initiator.readMessage2(second.span)
                Issue.record("was accepted")
            } catch {
                #expect(error == .lowOrderPoint)
            }
        }
    }

    @Test func `an initiator's static key of low order is refused by the responder`() throws {
        for point in CurveNumbers.lowOrder {
            let responderKey = StaticKey()
            let own = EphemeralKey(.plain)
            // An initiator that follows the rules, except for its static key.
            var state = NoiseSymmetricState(protocolName: NoiseXX.name, prologue: Span())
            var first: [UInt8] = []
            state.writeEphemeral(own, to: &first)
            state.encryptAndHash([], to: &first)
            var second: [UInt8] = []
            let responder = try NoiseXX.Responder(prologue: [], encoding: .plain).readMessage1(first.span)
                .writeKeys(staticKey: responderKey, ephemeral: EphemeralKey(.plain), to: &second)
                .writePayload([], to: &second)
            let ephemeral = state.readEphemeral(second.span.extracting(..<32), .plain)
            try state.agree(own.sharedSecret(with: ephemeral))
            _ = try state.decryptAndHash(second.span.extracting(32..<80))
            try state.agree(own.sharedSecret(with: responderKey.publicKey))
            _ = try state.decryptAndHash(second.span.extracting(80...))
            var third: [UInt8] = []
            state.encryptAndHash(point, to: &third)
            state.mixKey(Secret([UInt8](repeating: 0, count: 32)))
            state.encryptAndHash([], to: &third)
            do {
                _ = try responder.readMessage3(third.span)
                Issue.record("was accepted")
            } catch {
                #expect(error == .lowOrderPoint)
            }
        }
    }

    @Test func `messages are appended to what an array already has`() {
        var message: [UInt8] = [1, 2, 3]
        _ = NoiseXX.Initiator(prologue: [], staticKey: StaticKey(), ephemeral: EphemeralKey(.representative))
            .writeMessage1(payload: [9], to: &message)
        #expect(message.count == 3 + 32 + 1 && message.starts(with: [1, 2, 3]) && message.last == 9)
    }

    @Test func `failures say what was wrong`() {
        #expect("\(NoiseFailure.truncated(length: 3, minimum: 96))".contains("3 bytes: must have at least 96"))
        #expect("\(NoiseFailure.tooLong(length: 70_000))".contains("70000 bytes: must have at most 65535"))
        #expect("\(NoiseFailure.notAuthentic)".contains("not authentic"))
        #expect("\(NoiseFailure.lowOrderPoint)".contains("low order"))
    }
}
