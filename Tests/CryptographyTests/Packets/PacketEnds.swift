@testable import Cryptography

/// What tests need of both ends of a direction.
enum PacketEnds {
    typealias Algorithm = RecordCipher.Algorithm

    static let k1 = Array(UInt8(0)..<32)
    static let k2 = Array(UInt8(32)..<64)

    /// The root of an epoch whose REKEYs have nothing random.
    static func root(_ epoch: UInt32 = 0) -> PacketRoot {
        var root = PacketRoot(k1: Secret(k1), k2: Secret(k2))
        for next in 0..<epoch {
            root = root.next(
                sharedSecret: Secret(repeatElement(UInt8(next), count: 32)),
                initiatorRepresentative: [UInt8](repeating: 0x11, count: 32),
                responderRepresentative: [UInt8](repeating: 0x22, count: 32)
            )
        }
        return root
    }

    static func keys(
        _ algorithm: Algorithm,
        _ direction: PacketDirection = .fromInitiator,
        epoch: UInt32 = 0,
        base: UInt64 = 0
    ) -> PacketKeys {
        PacketKeys(root(epoch), direction, algorithm, base: base)
    }

    /// The sealed bytes of a packet before they are sealed.
    static func plaintext(_ number: UInt64, payload: Int) -> [UInt8] {
        var random = RandomBytes(seed: number)
        return random.bytes(20 + payload)
    }

    /// A packet that is to be sealed, with other bytes where none are read.
    static func unsealed(_ number: UInt64, payload: Int) -> [UInt8] {
        [UInt8](repeating: 0xee, count: 16) + plaintext(number, payload: payload) + [UInt8](repeating: 0xee, count: 16)
    }
}

/// A sealer in an object, because an expectation takes no value that cannot be copied.
final class Sealer {
    var value: PacketSealer

    init(_ keys: consuming PacketKeys, limits: PacketLimits? = nil) { value = PacketSealer(keys, limits: limits) }

    var nextNumber: UInt64 { value.nextNumber }
    var epoch: UInt32 { value.epoch }
    var sealedInEpoch: UInt64 { value.sealedInEpoch }

    func begin(_ keys: consuming PacketKeys) { value.begin(keys) }

    /// A packet in an array of its own.
    func packet(_ number: UInt64, payload: Int = 5, path: Int = 0) throws(PacketSealer.Failure) -> [UInt8] {
        var bytes = PacketEnds.unsealed(number, payload: payload)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        try value.seal(&raw, number: number, path: path)
        return bytes
    }

    /// Packets one after the other.
    func packets(
        _ numbers: Range<UInt64>,
        payload: Int,
        last: Int,
        path: Int = 0
    ) throws(PacketSealer.Failure) -> [UInt8] {
        var bytes = numbers.dropLast().flatMap { PacketEnds.unsealed($0, payload: payload) }
        if let number = numbers.last { bytes += PacketEnds.unsealed(number, payload: last) }
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        try value.seal(&raw, length: 52 + payload, firstNumber: numbers.lowerBound, path: path)
        return bytes
    }
}

/// An opener in an object.
final class Opener {
    typealias Outcome = PacketOpener.Outcome

    var value: PacketOpener

    init(_ keys: consuming PacketKeys, limits: PacketLimits? = nil, failedCount: UInt64 = 0) {
        value = PacketOpener(keys, limits: limits, failedCount: failedCount)
    }

    var epoch: UInt32 { value.epoch }
    var failedCount: UInt64 { value.failedCount }
    var highestNumber: UInt64? { value.highestNumber }
    var holdsOldKeys: Bool { value.holdsOldKeys }

    /// Whether the epoch's connection IDs are known.
    func holds(epoch: UInt32) -> Bool { value.connectionIDs(of: epoch) != nil }
    func begin(_ keys: consuming PacketKeys) throws(PacketOpener.EpochFailure) { try value.begin(keys) }
    func forgetOldKeys() { value.forgetOldKeys() }

    /// What becomes of a packet, and its bytes then.
    func opened(_ packet: [UInt8]) -> (outcome: Outcome, bytes: [UInt8]) {
        var bytes = packet
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        let outcome = value.open(&raw)
        return (outcome, bytes)
    }

    func outcome(_ packet: [UInt8]) -> Outcome { opened(packet).outcome }

    func outcomes(_ packets: [UInt8], length: Int) -> (outcomes: [Outcome], bytes: [UInt8]) {
        var bytes = packets
        // One more place than there may be packets.
        var outcomes = [Outcome](repeating: .refused(.failedTooOften), count: packets.count / length + 2)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        var places = outcomes.mutableSpan
        let count = value.open(&raw, length: length, outcomes: &places)
        return (Array(outcomes.prefix(count)), bytes)
    }
}

extension PacketOpener.Outcome {
    var number: UInt64? {
        if case .opened(let packet) = self { packet.number } else { nil }
    }

    static func opened(_ number: UInt64, epoch: UInt32 = 0, path: UInt8 = 0) -> Self {
        .opened(PacketOpener.Opened(number: number, epoch: epoch, path: path))
    }
}
