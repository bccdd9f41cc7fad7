internal import OwnThread
internal import Testing

@testable import Cryptography

/// Many keys, few contexts.
@Suite("Contexts of libcrypto", .ownThread)
struct CipherContextsTests {
    typealias Algorithm = RecordCipher.Algorithm

    private static func key(_ number: Int) -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) } }

    @Test func `contexts of libcrypto serve a hundred keys for each of several owners, each record under its own`()
        async
    {
        await withTaskGroup(of: Void.self) { group in
            for part in 0..<8 {
                group.addTask {
                    let contexts = CipherContexts()
                    let algorithm = Algorithm.allCases[part % 2]
                    let prefix = RecordCipherTests.prefix(algorithm)
                    let keys = (0..<100).map { Self.key(1000 * part + $0) }
                    let ciphers = keys.map { Pair(algorithm, key: $0, contexts) }
                    for round in 0..<20 {
                        for (index, pair) in ciphers.enumerated() {
                            let plaintext = Array("\(part) \(index) \(round)".utf8)
                            let sealed = pair.sender.sealed(plaintext, counter: UInt64(round), header: [1])
                            let expected = try? ReferenceAEAD.sealed(
                                algorithm,
                                plaintext,
                                key: keys[index],
                                nonce: RecordCipher.nonce(prefix: prefix, counter: UInt64(round)),
                                header: [1]
                            )
                            #expect(sealed == expected)
                            let opened = pair.receiver.opened(sealed, counter: UInt64(round), header: [1])
                            #expect(opened == plaintext)
                            let stranger = ciphers[(index + 1) % ciphers.count].receiver
                                .opened(sealed, counter: UInt64(round), header: [1])
                            #expect(stranger == nil)
                        }
                    }
                    #expect(contexts.count == CipherContexts.usualCapacity)
                }
            }
        }
    }

    @Test(arguments: 1...5)
    func `contexts of libcrypto are as many as configured, whichever keys and algorithms take turns`(_ capacity: Int) {
        var random = RandomBytes(seed: UInt64(capacity))
        let contexts = CipherContexts(capacity: capacity)
        #expect(contexts.count == 0)
        let ciphers = (0..<8).map { Pair(Algorithm.allCases[$0 % 2], key: Self.key($0), contexts) }
        for counter in 0..<500 as Range<UInt64> {
            let pair = ciphers[Int.random(in: ciphers.indices, using: &random)]
            let text = random.bytes(40)
            let sealed = pair.sender.sealed(text, counter: counter, header: [])
            let opened = pair.receiver.opened(sealed, counter: counter, header: [])
            #expect(opened == text)
            #expect(contexts.count <= capacity)
        }
        #expect(contexts.count == capacity)
    }

    @Test func `a key that works keeps its context while others take turns with the rest`() {
        let contexts = CipherContexts(capacity: 3)
        var busy = AEADKey(.aes256GCM, key: Self.key(0), contexts: contexts)
        for number in 1..<50 {
            Self.use(&busy)
            var other = AEADKey(.aes256GCM, key: Self.key(number), contexts: contexts)
            Self.use(&other)
            let isHeld = contexts.holds(busy.number)
            #expect(isHeld)
        }
    }

    @Test(arguments: Algorithm.allCases)
    func `contexts of libcrypto hold no key that is gone`(_ algorithm: Algorithm) {
        let contexts = CipherContexts()
        let number: UInt64
        do {
            var key = AEADKey(algorithm, key: Self.key(7), contexts: contexts)
            number = key.number
            Self.use(&key)
            #expect(contexts.holds(number) && contexts.count == 1)
        }
        #expect(!contexts.holds(number) && contexts.count == 0)
    }

    @Test(arguments: Algorithm.allCases)
    func `no memory has the bytes of keys that are gone`(_ algorithm: Algorithm) throws {
        let hidden = RandomBytes.hiddenKey()
        // Without its first bytes, over which the allocator writes.
        let memory = ProcessMemory(lookingFor: hidden[16...])
        let contexts = CipherContexts()
        // Many with the same bytes: where one was, others may have written since.
        var holders = (0..<100).map { _ in KeyHolder(algorithm, hidden, contexts) }
        #expect(try memory.occurrences() == 100)
        for holder in holders { Self.use(&holder.key) }
        // libcrypto has those of its contexts too. (A processor without instructions for AES would have them arranged
        // in another way.)
        #expect(try memory.occurrences() == 100 + CipherContexts.usualCapacity)
        holders = []
        #expect(try memory.occurrences() == 0)
        #expect(contexts.count == 0)
    }

    @Test(arguments: Algorithm.allCases)
    func `no memory has the bytes of a key twice whose context another key took over`(_ algorithm: Algorithm) throws {
        let hidden = RandomBytes.hiddenKey()
        let memory = ProcessMemory(lookingFor: hidden[16...])
        for other in Algorithm.allCases {
            let contexts = CipherContexts(capacity: 1)
            var key = AEADKey(algorithm, key: hidden.lazy.map { ~$0 }, contexts: contexts)
            Self.use(&key)
            #expect(try memory.occurrences() == 2)
            var second = AEADKey(other, key: Self.key(1), contexts: contexts)
            Self.use(&second)
            let isHeld = contexts.holds(second.number)
            #expect(isHeld)
            #expect(try memory.occurrences() == 1)
            Self.use(&key)
        }
    }

    /// Seals a short record.
    private static func use(_ key: inout AEADKey) {
        var bytes = [UInt8](repeating: 1, count: 20)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        key.seal(&raw, nonce: [0, 0, 0], authenticating: RawSpan())
    }
}

extension RandomBytes {
    /// The complement of a key that is like no other in this process, and without the zeros that most of its memory is.
    fileprivate static func hiddenKey() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: 0...254, using: &generator) }
    }
}

private final class KeyHolder {
    var key: AEADKey

    /// - Parameter hidden: the complement of the key.
    init(_ algorithm: RecordCipher.Algorithm, _ hidden: [UInt8], _ contexts: CipherContexts) {
        key = AEADKey(algorithm, key: hidden.lazy.map { ~$0 }, contexts: contexts)
    }
}

/// Both ends of one direction.
private final class Pair {
    var sender: RecordCipher
    var receiver: RecordCipher

    init(_ algorithm: RecordCipher.Algorithm, key: [UInt8], _ contexts: CipherContexts) {
        let prefix = RecordCipherTests.prefix(algorithm)
        sender = RecordCipher(algorithm, key: key, noncePrefix: prefix, contexts: contexts)
        receiver = RecordCipher(algorithm, key: key, noncePrefix: prefix, contexts: contexts)
    }
}
