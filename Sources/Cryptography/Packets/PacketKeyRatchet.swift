/// The packet key of a generation, which steps to that of the next one. A key that was stepped from is overwritten, and
/// no key tells the ones before it.
struct PacketKeyRatchet: ~Copyable {
    private let algorithm: RecordCipher.Algorithm
    private let noncePrefix: Secret
    private let contexts: CipherContexts
    private var key: Secret
    private(set) var generation: UInt64

    /// - Parameter contexts: those of the ciphers that it makes.
    init(_ keys: borrowing PacketKeys, contexts: CipherContexts) {
        algorithm = keys.algorithm
        noncePrefix = keys.noncePrefix
        self.contexts = contexts
        key = keys.packetKey
        generation = keys.base
    }

    mutating func step() {
        key = BLAKE3.deriveKey("courier/1 next packet key", from: key)
        generation += 1
    }

    /// A cipher with the key of ``generation``.
    func cipher() -> RecordCipher {
        RecordCipher(algorithm, key: key, noncePrefix: noncePrefix, contexts: contexts)
    }
}
