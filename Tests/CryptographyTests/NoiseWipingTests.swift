internal import CFieldProbe
internal import OwnThread
internal import Testing

@testable import Cryptography

/// Looks through the memory of a process of its own: in that of all tests, mappings come and go meanwhile.
///
/// libcrypto's ChaCha20 leaves the key of a message shorter than 64 bytes in its stack frame, where the next deep call
/// overwrites it. Tests with sealed messages make such a call before they look.
@Suite("Secrets of handshakes are overwritten", .ownThread)
struct NoiseWipingTests {
    /// What a test knows of secrets: their complements, which no secret has as its bytes.
    private struct Traces {
        private(set) var complements: [[UInt8]] = []

        mutating func add(_ secret: Secret?) {
            if let secret { complements.append(secret.map { ~$0 }) }
        }

        func occurrences() throws -> [Int] {
            try complements.map { try ProcessMemory(lookingFor: $0[...]).occurrences() }
        }
    }

    @Test func `no key of a handshake is left in memory when both ends are done`() async {
        await #expect(processExitsWith: .success) { try NoiseWipingTests.finishedHandshake() }
    }

    private static func finishedHandshake() throws {
        var traces = Traces()
        do {
            let initiatorStatic = StaticKey()
            let responderStatic = StaticKey()
            let initiator = NoiseXX.Initiator(
                prologue: [1],
                staticKey: initiatorStatic,
                ephemeral: EphemeralKey(.representative)
            )
            var first: [UInt8] = []
            let sent1 = initiator.writeMessage1(payload: [], to: &first)
            traces.add(sent1.ephemeral.secret)
            var second: [UInt8] = []
            let writing2 = try NoiseXX.Responder(prologue: [1], encoding: .representative).readMessage1(first.span)
                .writeKeys(staticKey: responderStatic, ephemeral: EphemeralKey(.representative), to: &second)
            traces.add(writing2.ephemeral.secret)
            traces.add(writing2.state.chainingKey)
            traces.add(writing2.state.cipherKey)
            let sent2 = writing2.writePayload([], to: &second)
            let read2 = try sent1.readMessage2(second.span)
            var third: [UInt8] = []
            let writing3 = try read2.writeKeys(to: &third)
            traces.add(writing3.state.chainingKey)
            traces.add(writing3.state.cipherKey)
            let outcome = writing3.writePayload([], to: &third)
            traces.add(outcome.k1)
            traces.add(outcome.k2)
            let read3 = try sent2.readMessage3(third.span)
            // A control: all that is still needed is found.
            let found = try traces.occurrences()
            #expect(found.count == 8)
            #expect(found[4...].allSatisfy { $0 >= 1 })
            let sameOutcome = read3.split()
            #expect(sameOutcome.k1 == outcome.k1)
        }
        outpost_overwrite_dead_stack()
        #expect(try traces.occurrences() == [Int](repeating: 0, count: 8))
    }

    @Test func `a handshake that fails or is dropped leaves no key either`() async {
        await #expect(processExitsWith: .success) { try NoiseWipingTests.failedHandshake() }
    }

    private static func failedHandshake() throws {
        var traces = Traces()
        do {
            var first: [UInt8] = []
            let sent1 = NoiseXX.Initiator(prologue: [], staticKey: StaticKey(), ephemeral: EphemeralKey(.plain))
                .writeMessage1(payload: [], to: &first)
            traces.add(sent1.ephemeral.secret)
            var second: [UInt8] = []
            let writing2 = try NoiseXX.Responder(prologue: [], encoding: .plain).readMessage1(first.span)
                .writeKeys(staticKey: StaticKey(), ephemeral: EphemeralKey(.plain), to: &second)
            traces.add(writing2.ephemeral.secret)
            traces.add(writing2.state.chainingKey)
            traces.add(writing2.state.cipherKey)
            #expect(try traces.occurrences().allSatisfy { $0 >= 1 })
            let sent2 = writing2.writePayload([], to: &second)
            second[90] ^= 1
            do {
                _ = try sent1.readMessage2(second.span)
                Issue.record("was accepted")
            } catch {
                #expect(error == .notAuthentic)
            }
            _ = consume sent2
        }
        outpost_overwrite_dead_stack()
        #expect(try traces.occurrences() == [0, 0, 0, 0])
    }

    @Test func `an agreement, a code and derived keys leave nothing behind`() async {
        await #expect(processExitsWith: .success) { try NoiseWipingTests.derivedKeys() }
    }

    private static func derivedKeys() throws {
        var traces = Traces()
        do {
            let key = EphemeralKey(.plain)
            let shared = try #require(X25519.sharedSecret(key.secret, with: StaticKey().publicKey))
            var hash = BLAKE2s()
            let derived = shared.withBytes { NoiseHKDF.three(chainingKey: shared, input: $0, with: &hash) }
            for secret in [key.secret, shared, derived.0, derived.1, derived.2] { traces.add(secret) }
            #expect(try traces.occurrences().allSatisfy { $0 >= 1 })
        }
        #expect(try traces.occurrences() == [0, 0, 0, 0, 0])
    }
}
