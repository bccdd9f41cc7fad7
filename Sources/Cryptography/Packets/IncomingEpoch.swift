/// The keys by which one epoch of one direction is opened: those of the current generation, that of the highest
/// authentic number over all epochs, and of its neighbors.
struct IncomingEpoch: ~Copyable {
    /// Keys that are held at once.
    static let keyCount = 3

    var headers: HeaderProtection
    /// At the highest generation whose key was derived.
    private var ratchet: PacketKeyRatchet
    /// The cipher of generation g is number g mod 3, so three neighbors never share a place.
    private var ciphers = InlineArray<3, RecordCipher?> { _ in nil }

    /// - Parameter generation: the current one, at least the base of the keys.
    init(_ keys: consuming PacketKeys, contexts: CipherContexts, generation: UInt64) {
        headers = HeaderProtection(keys.algorithm, key: keys.headerKey)
        ratchet = PacketKeyRatchet(keys, contexts: contexts)
        let lowest = generation == 0 ? 0 : generation - 1
        while ratchet.generation < lowest { ratchet.step() }
        keepCipher()
        while ratchet.generation < generation { step() }
    }

    /// Opens a packet with the key of its generation, which must be the current one or a neighbor. Nil if there is no
    /// such key.
    ///
    /// That of the next generation is derived when a packet asks for it first. It is one step, however many packets,
    /// authentic or not, ask for it.
    @inline(__always)
    mutating func open(
        _ packet: inout MutableRawSpan,
        connectionID: UInt64,
        number: UInt64
    ) -> Bool? {
        let generation = PacketKeys.generation(of: number)
        if generation == ratchet.generation + 1 { step() }
        // Before the base there is no cipher.
        guard generation <= ratchet.generation else { return nil }
        return ciphers[Self.place(generation)]?.openPacket(&packet, connectionID: connectionID, number: number)
    }

    /// Makes the generation after the current one the current one, and forgets the key two behind it.
    mutating func commit(to generation: UInt64) {
        // Its place is that of the next generation, whose key there cannot be yet.
        ciphers[Self.place(generation + 1)] = nil
        if ratchet.generation < generation { step() }
    }

    /// Forgets the key before that of the current generation.
    mutating func forgetKey(before generation: UInt64) {
        // That of the generation two ahead, which has none.
        ciphers[Self.place(generation + 2)] = nil
    }

    @inline(never)
    private mutating func step() {
        ratchet.step()
        keepCipher()
    }

    private mutating func keepCipher() { ciphers[Self.place(ratchet.generation)] = ratchet.cipher() }

    @inline(__always)
    private static func place(_ generation: UInt64) -> Int { Int(generation % UInt64(keyCount)) }
}
