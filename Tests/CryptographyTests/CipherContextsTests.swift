import Synchronization
import Testing

@testable import Cryptography

/// Many keys, few contexts.
@Suite struct `Contexts of libcrypto` {
    private static func key(_ number: Int) -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) } }

    @Test func `serve a hundred keys on several threads, each record under its own`() async {
        await withTaskGroup(of: Void.self) { group in
            for part in 0..<8 {
                group.addTask {
                    let keys = (0..<100).map { Self.key(1000 * part + $0) }
                    let ciphers = keys.map { Pair(key: $0) }
                    for round in 0..<20 {
                        for (index, pair) in ciphers.enumerated() {
                            let plaintext = Array("\(part) \(index) \(round)".utf8)
                            let sealed = pair.sender.sealed(plaintext, counter: UInt64(round), header: [1])
                            let nonce = RecordCipherTests.prefix + [UInt8(round), 0, 0, 0, 0, 0, 0, 0]
                            #expect(
                                sealed
                                    == XChaCha20Poly1305.sealed(plaintext, key: keys[index], nonce: nonce, header: [1])
                            )
                            let opened = pair.receiver.opened(sealed, counter: UInt64(round), header: [1])
                            #expect(opened == plaintext)
                            let stranger = ciphers[(index + 1) % ciphers.count].receiver
                                .opened(sealed, counter: UInt64(round), header: [1])
                            #expect(stranger == nil)
                        }
                    }
                }
            }
        }
        // 1 600 values and more one-time keys were at work, at most as many at once as there are tasks.
        #expect(CipherContexts.idle.withLock(\.made) <= 64)
    }

    @Test func `hold no key that is gone`() {
        func holders(_ number: UInt64) -> Int {
            CipherContexts.idle.withLock { $0.contexts.count { $0.owner == number } }
        }
        let number: UInt64
        do {
            var cipher = ChaCha20Poly1305(key: InlineArray(repeating: 7))
            number = cipher.number
            // A test beside this one may take the context meanwhile.
            while holders(number) == 0 {
                var bytes = [UInt8](repeating: 1, count: 20)
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                cipher.seal(&raw, nonce: [0, 0, 0], authenticating: RawSpan())
            }
        }
        #expect(holders(number) == 0)
    }
}

/// Both ends of one direction.
private final class Pair {
    var sender: RecordCipher
    var receiver: RecordCipher

    init(key: [UInt8]) {
        sender = RecordCipher(key: key, noncePrefix: RecordCipherTests.prefix)
        receiver = RecordCipher(key: key, noncePrefix: RecordCipherTests.prefix)
    }
}
