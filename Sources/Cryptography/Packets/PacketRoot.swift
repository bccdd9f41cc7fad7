/// The secret of an epoch, from which the keys of its packets come: section 2 of `Docs/COURIER-PROTOCOL.md`.
///
/// The value cannot be copied, and the next epoch consumes it. Its bytes are overwritten when it is gone.
package struct PacketRoot: ~Copyable, Sendable {
    package let epoch: UInt32
    let secret: Secret

    /// That of epoch 0.
    ///
    /// - Parameters:
    ///   - k1: of Noise's `Split()`: the secret of what the initiator sends, 32 bytes.
    ///   - k2: the secret of what the responder sends, 32 bytes.
    package init(k1: Secret, k2: Secret) {
        precondition(k1.count == 32 && k2.count == 32, "Noise's secrets have 32 bytes")
        var hasher = BLAKE3.Hasher(derivingKeysFor: "courier/1 root")
        hasher.update(k1)
        hasher.update(k2)
        self.init(epoch: 0, secret: hasher.secret(count: BLAKE3.keyLength))
    }

    private init(epoch: UInt32, secret: Secret) {
        self.epoch = epoch
        self.secret = secret
    }

    /// That of the next epoch.
    ///
    /// - Parameters:
    ///   - sharedSecret: of the ephemeral keys of both REKEYs, 32 bytes.
    ///   - initiatorRepresentative: as the initiator's REKEY has it, 32 bytes.
    ///   - responderRepresentative: as the responder's REKEY has it, 32 bytes.
    package consuming func next(
        sharedSecret: Secret,
        initiatorRepresentative: [UInt8],
        responderRepresentative: [UInt8]
    ) -> PacketRoot {
        precondition(
            sharedSecret.count == 32 && initiatorRepresentative.count == 32 && responderRepresentative.count == 32,
            "a shared secret and a representative have 32 bytes"
        )
        // An epoch takes a million packets or two minutes.
        precondition(epoch < .max, "the last epoch has no next one")
        let next = epoch + 1
        var hasher = BLAKE3.Hasher(derivingKeysFor: "courier/1 next root")
        hasher.update(secret)
        hasher.update(sharedSecret)
        // Arrays of bytes, read as bytes.
        unsafe hasher.update(initiatorRepresentative.span.bytes)
        unsafe hasher.update(responderRepresentative.span.bytes)
        hasher.update(bigEndian: next)
        return PacketRoot(epoch: next, secret: hasher.secret(count: BLAKE3.keyLength))
    }
}

extension BLAKE3.Hasher {
    /// Adds an integer, big-endian.
    mutating func update(bigEndian number: some FixedWidthInteger & BitwiseCopyable) {
        let bytes = InlineArray<1, _>(repeating: number.bigEndian)
        // A plain integer, read as bytes.
        unsafe update(bytes.span.bytes)
    }
}
