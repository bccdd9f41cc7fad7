/// How much may be done with the keys of one direction before they wear out.
package struct PacketLimits: Equatable, Sendable {
    /// Packets that one key may seal: the confidentiality limit.
    package var sealedUnderOneKey: UInt64
    /// Packets that may fail to open, under all keys of a session together: the integrity limit.
    package var failedToOpen: UInt64
    /// Packets that an epoch may seal: section 4 of `Docs/COURIER-PROTOCOL.md`.
    package var sealedInOneEpoch: UInt64 = 4_000_000

    package init(sealedUnderOneKey: UInt64, failedToOpen: UInt64) {
        self.sealedUnderOneKey = sealedUnderOneKey
        self.failedToOpen = failedToOpen
    }

    /// Those of RFC 9001, section 6.6. ChaCha20-Poly1305 has no confidentiality limit below that of the numbers, 2⁶².
    package init(_ algorithm: RecordCipher.Algorithm) {
        switch algorithm {
        case .xChaCha20Poly1305: self.init(sealedUnderOneKey: 1 << 62, failedToOpen: 1 << 36)
        case .aes256GCM: self.init(sealedUnderOneKey: 1 << 23, failedToOpen: 1 << 52)
        }
    }
}
