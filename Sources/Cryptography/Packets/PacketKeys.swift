/// What one direction has in one epoch: section 2 of `Docs/COURIER-PROTOCOL.md`. A ``PacketSealer`` or
/// ``PacketOpener`` consumes it.
package struct PacketKeys: ~Copyable, Sendable {
    /// Connection IDs of an epoch and direction: one for each path.
    package static let connectionIDCount = 8
    /// The generation of a number is the number, shifted by so many bits.
    static let generationShift: UInt64 = 16

    package let algorithm: RecordCipher.Algorithm
    package let direction: PacketDirection
    package let epoch: UInt32
    /// The generation whose key is ``packetKey``.
    package let base: UInt64
    /// The packet key of generation ``base``.
    package let packetKey: Secret
    /// The key of the masks, for all generations.
    package let headerKey: Secret
    /// 16 or 4 bytes, as ``algorithm`` demands.
    package let noncePrefix: Secret
    /// One for each path, as big-endian integers.
    package let connectionIDs: InlineArray<8, UInt64>

    /// - Parameter base: `base` of the sender's REKEY; 0 in epoch 0.
    package init(
        _ root: borrowing PacketRoot,
        _ direction: PacketDirection,
        _ algorithm: RecordCipher.Algorithm,
        base: UInt64 = 0
    ) {
        self.algorithm = algorithm
        self.direction = direction
        epoch = root.epoch
        self.base = base
        packetKey = Self.derive("courier/1 packet key", root, direction)
        headerKey = Self.derive("courier/1 header key", root, direction)
        noncePrefix = Self.derive(
            "courier/1 nonce prefix",
            root,
            direction,
            count: algorithm.noncePrefixLength
        )
        var ids = InlineArray<8, UInt64>(repeating: 0)
        for index in ids.indices {
            let bytes = Self.derive("courier/1 connection id", root, direction, index: UInt8(index), count: 8)
            ids[index] = bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
        connectionIDs = ids
    }

    /// The generation of a number.
    @inline(__always)
    static func generation(of number: UInt64) -> UInt64 { number >> generationShift }

    private static func derive(
        _ context: StaticString,
        _ root: borrowing PacketRoot,
        _ direction: PacketDirection,
        index: UInt8? = nil,
        count: Int = BLAKE3.keyLength
    ) -> Secret {
        var hasher = BLAKE3.Hasher(derivingKeysFor: context)
        hasher.update(root.secret)
        hasher.update(bigEndian: direction.rawValue)
        hasher.update(bigEndian: root.epoch)
        if let index { hasher.update(bigEndian: index) }
        return hasher.secret(count: count)
    }
}
