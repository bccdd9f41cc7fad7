/// Protects the packets of one direction, in place: section 3 of `Docs/COURIER-PROTOCOL.md`.
///
/// The owner numbers the packets, over all epochs and paths. Keys step forward by themselves with the generation of the
/// number; ``begin(_:)`` goes to the next epoch. Keys that were left are overwritten at once.
///
/// The value has libcrypto contexts of its own. A packet takes no lock and allocates nothing, except for the first one
/// of a generation.
///
/// Not `Sendable`: the owner uses it on one thread at a time.
package struct PacketSealer: ~Copyable {
    /// Bytes of a packet without payload.
    package static let minimumLength = PacketLayout.minimumLength

    /// Why nothing more may be sealed. Nothing was changed.
    package enum Failure: Error, Equatable, Sendable {
        /// The key has sealed as much as its algorithm allows; the next generation has another one.
        case keyUsedUp
        /// The epoch has sealed as many packets as an epoch may; the next epoch comes first.
        case epochUsedUp
    }

    private let limits: PacketLimits
    private let contexts = CipherContexts(capacity: 1)
    private let direction: PacketDirection
    private var ratchet: PacketKeyRatchet
    private var cipher: RecordCipher
    private var headers: HeaderProtection
    private var connectionIDs: InlineArray<8, UInt64>

    package private(set) var epoch: UInt32
    /// Packets of the current epoch.
    package private(set) var sealedInEpoch: UInt64 = 0
    /// Packets under the current key.
    private var sealedUnderKey: UInt64 = 0
    /// The lowest number that the next packet may have.
    package private(set) var nextNumber: UInt64 = 0

    package init(_ keys: consuming PacketKeys, limits: PacketLimits? = nil) {
        self.limits = limits ?? PacketLimits(keys.algorithm)
        direction = keys.direction
        epoch = keys.epoch
        ratchet = PacketKeyRatchet(keys, contexts: contexts)
        cipher = ratchet.cipher()
        headers = HeaderProtection(keys.algorithm, key: keys.headerKey)
        connectionIDs = keys.connectionIDs
        nextNumber = keys.base << PacketKeys.generationShift
    }

    /// Goes to the next epoch: all packets from now on have its keys.
    ///
    /// Keys of another epoch or direction, and a base that comes after the next number, are programming errors and
    /// trap.
    package mutating func begin(_ keys: consuming PacketKeys) {
        precondition(keys.direction == direction && keys.epoch == epoch + 1, "epochs follow each other")
        precondition(keys.base <= PacketKeys.generation(of: nextNumber), "an epoch starts with a number of the past")
        epoch = keys.epoch
        ratchet = PacketKeyRatchet(keys, contexts: contexts)
        cipher = ratchet.cipher()
        headers = HeaderProtection(keys.algorithm, key: keys.headerKey)
        connectionIDs = keys.connectionIDs
        sealedInEpoch = 0
        sealedUnderKey = 0
    }

    /// Protects one packet.
    ///
    /// - Parameters:
    ///   - packet: at least `minimumLength` bytes: 16 that are written here, the header fields, payload and padding as
    ///     they are to be sealed, and 16 bytes of room for the tag.
    ///   - number: that of the packet, above all before it.
    ///   - path: the index of the path's connection ID.
    ///
    /// Others are programming errors and trap.
    package mutating func seal(
        _ packet: inout MutableRawSpan,
        number: UInt64,
        path: Int = 0
    ) throws(Failure) {
        let length = packet.byteCount
        try seal(&packet, length: length, firstNumber: number, path: path)
    }

    /// Protects packets that lie one after the other, as one segmented message takes them.
    ///
    /// - Parameters:
    ///   - packets: each as for a single one.
    ///   - length: bytes of each packet; the last one may be shorter.
    ///   - firstNumber: that of the first one. The others have the next ones.
    ///   - path: the index of the path's connection ID.
    ///
    /// A failure comes before anything is changed.
    package mutating func seal(
        _ packets: inout MutableRawSpan,
        length: Int,
        firstNumber: UInt64,
        path: Int = 0
    ) throws(Failure) {
        precondition(length >= Self.minimumLength, "a packet has at least 52 bytes")
        precondition(firstNumber >= nextNumber, "a number seals once")
        let total = packets.byteCount
        let count = (total + length - 1) / length
        if count == 0 { return }
        precondition(total - (count - 1) * length >= Self.minimumLength, "a packet has at least 52 bytes")
        try checkLimits(UInt64(count), firstNumber)
        let connectionID = connectionIDs[path]
        var start = 0
        var number = firstNumber
        while start < total {
            let firstStart = start
            repeat {
                let end = min(start + length, total)
                if PacketKeys.generation(of: number) != ratchet.generation {
                    stepKeys(to: PacketKeys.generation(of: number))
                }
                var packet = packets._mutatingExtracting(start..<end)
                cipher.sealPacket(&packet, connectionID: connectionID, number: number)
                headers.collect(packets, at: start)
                sealedUnderKey += 1
                number += 1
                start = end
            } while start < total && headers.count < HeaderProtection.capacity
            mask(&packets, from: firstStart, length, firstNumber: number - UInt64(headers.count))
        }
        sealedInEpoch += UInt64(count)
        nextNumber = number
    }

    /// Masks the numbers of the packets whose samples were collected.
    @inline(__always)
    private mutating func mask(_ packets: inout MutableRawSpan, from start: Int, _ length: Int, firstNumber: UInt64) {
        headers.computeMasks()
        for index in 0..<headers.count {
            packets.store(
                bigEndian: (firstNumber + UInt64(index)) ^ headers.mask(index),
                at: start + index * length + PacketLayout.numberOffset
            )
        }
        headers.clear()
    }

    private func checkLimits(_ count: UInt64, _ firstNumber: UInt64) throws(Failure) {
        guard count <= limits.sealedInOneEpoch - sealedInEpoch else { throw .epochUsedUp }
        let generation = PacketKeys.generation(of: firstNumber)
        // Those before the next step of the keys.
        let here = min(count, (generation + 1) << PacketKeys.generationShift - firstNumber)
        let before = generation == ratchet.generation ? sealedUnderKey : 0
        guard here <= limits.sealedUnderOneKey - before, count - here <= limits.sealedUnderOneKey else {
            throw .keyUsedUp
        }
    }

    @inline(never)
    private mutating func stepKeys(to generation: UInt64) {
        while ratchet.generation < generation { ratchet.step() }
        cipher = ratchet.cipher()
        sealedUnderKey = 0
    }
}

extension PacketSealer.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .keyUsedUp: "packet key used up: the next generation of numbers has another one"
        case .epochUsedUp: "epoch used up: the session must go to the next one first"
        }
    }
}
