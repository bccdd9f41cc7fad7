internal import Cryptography

/// The keys of a session's epochs: section 4, Rekeying, of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// current ─ own REKEY is due, or the peer's came → exchanging ─ peer's REKEY → agreed ─ own is acknowledged → current
/// ```
///
/// The next root needs both REKEYs. This end opens packets of the next epoch as soon as it has it, and seals in it once
/// the peer must have it, too.
struct Rekeying: ~Copyable {
    /// Nanoseconds and packets of an epoch after which the next one is begun.
    static let interval: Int64 = 120_000_000_000
    static let packets: UInt64 = 1_000_000

    enum Violation: Error { case malformed, wrongEpoch, weakKey }

    static let payloadLength = 44

    let role: HandshakeRole
    let suite: RecordCipher.Algorithm
    /// Packets of an epoch after which the next one is begun; fewer in tests.
    var packetLimit = Rekeying.packets
    /// That of `epoch`; nil only while it changes.
    private var root: PacketRoot?
    /// The newest epoch whose root is known.
    private(set) var epoch: UInt32 = 0
    private var own: EphemeralKey?
    /// Of our REKEY.
    private var base: UInt64 = 0
    private var isAcknowledged = false
    /// Own keys of the next epoch, until the peer must have them.
    private var pending: PacketKeys?
    /// REKEY is to be sent.
    private(set) var owesFrame = false
    private var epochBegan: Instant

    init(_ root: consuming PacketRoot, role: HandshakeRole, suite: RecordCipher.Algorithm, now: Instant) {
        self.root = consume root
        self.role = role
        self.suite = suite
        epochBegan = now
    }

    /// The keys of what an end sends.
    static func keys(
        _ root: borrowing PacketRoot,
        from role: HandshakeRole,
        _ suite: RecordCipher.Algorithm,
        base: UInt64 = 0
    ) -> PacketKeys {
        PacketKeys(root, role == .initiator ? .fromInitiator : .fromResponder, suite, base: base)
    }

    /// The epoch that our REKEY names.
    private var nextEpoch: UInt32 { pending == nil ? epoch + 1 : epoch }

    /// Begins the exchange if it is time.
    ///
    /// - Parameter sealed: packets of the current epoch.
    mutating func beginIfDue(sealed: UInt64, nextNumber: UInt64, now: Instant) {
        guard own == nil, pending == nil, sealed >= packetLimit || now >= epochBegan + Self.interval else { return }
        begin(nextNumber: nextNumber)
    }

    /// Begins the exchange before it is time, unless it goes on already.
    mutating func beginEarly(nextNumber: UInt64) {
        if own == nil, pending == nil { begin(nextNumber: nextNumber) }
    }

    private mutating func begin(nextNumber: UInt64) {
        own = EphemeralKey(.representative)
        base = nextNumber >> 16
        isAcknowledged = false
        owesFrame = true
    }

    /// Writes the payload of our REKEY. Returns the epoch that it names.
    mutating func write(to packet: inout MutableRawSpan, at start: Int) -> UInt32 {
        owesFrame = false
        let next = nextEpoch
        if let written = own?.written { copyBytes(written.rawBytes, to: &packet, at: start) }
        packet.store(bigEndian: next, at: start + 32)
        packet.store(bigEndian: base, at: start + 36)
        return next
    }

    /// Our REKEY for an epoch was lost.
    mutating func lost(_ number: UInt64) {
        if own != nil, number == UInt64(nextEpoch) { owesFrame = true }
    }

    /// Our REKEY for an epoch was acknowledged, or the peer sends in that epoch.
    mutating func acknowledged(_ number: UInt64) {
        if own != nil, number == UInt64(nextEpoch) { isAcknowledged = true }
    }

    /// Reads the peer's REKEY. Returns the keys of its next epoch; nil if it is a copy.
    mutating func receive(_ payload: RawSpan, nextNumber: UInt64) throws(Violation) -> PacketKeys? {
        guard payload.byteCount == Self.payloadLength else { throw .malformed }
        let number = payload.bigEndian(at: 32, as: UInt32.self)
        if number <= epoch { return nil }
        guard number == epoch + 1, pending == nil else { throw .wrongEpoch }
        if own == nil { begin(nextNumber: nextNumber) }
        let theirs = [UInt8](payload.extracting(first: 32))
        guard let mine = own?.written,
            let shared = own?.sharedSecret(with: EphemeralKey.Encoding.representative.decode(theirs))
        else { throw .weakKey }
        guard let old = root.take() else { fatalError("a session without a root") }
        let isInitiator = role == .initiator
        let new = old.next(
            sharedSecret: shared,
            initiatorRepresentative: isInitiator ? mine : theirs,
            responderRepresentative: isInitiator ? theirs : mine
        )
        epoch = number
        pending = Self.keys(new, from: role, suite, base: base)
        let peerKeys = Self.keys(new, from: role.peer, suite, base: payload.bigEndian(at: 36, as: UInt64.self))
        root = consume new
        return peerKeys
    }

    /// Our keys of the next epoch, once the peer must have them, too.
    mutating func takeSealingKeys(now: Instant) -> PacketKeys? {
        guard isAcknowledged, pending != nil else { return nil }
        own = nil
        isAcknowledged = false
        owesFrame = false
        epochBegan = now
        return pending.take()
    }
}
