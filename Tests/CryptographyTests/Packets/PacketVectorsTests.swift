internal import OwnThread
internal import Testing

@testable import Cryptography

/// The known answers that `Tests/PacketPeer/peer.py --vectors` prints.
@Suite("Known answers of packets", .ownThread)
struct PacketVectorsTests {
    struct Vector: Sendable {
        let algorithm: RecordCipher.Algorithm
        let direction: PacketDirection
        let epoch: UInt32
        let base: UInt64
        let packetKey: String
        let headerKey: String
        let noncePrefix: String
        let number: UInt64
        let path: Int
        let packet: String
    }

    private static let shared = Secret([UInt8](repeating: 0xd0, count: 32))

    static let vectors = [
        Vector(
            algorithm: .xChaCha20Poly1305,
            direction: .fromInitiator,
            epoch: 0,
            base: 0,
            packetKey: "6db7fa09d9ae947a1e6347b24e5a1edc1a27e4d960846476bb53e534fd78415a",
            headerKey: "90328a579471d6e7a2b687b99e85cab73c2bb7a1071c2fd167ad73fe85d03331",
            noncePrefix: "9b2a087a68c246d186d42c1d740e2239",
            number: 0x10002,
            path: 0,
            packet: """
                4c0d8b7245302df5dfeb9681a0d5057abf192b8d050029ede64d659ac12293d8
                8bee0ca1c73a54ef28b924a1eec50d9b4375ebbac9a0fac6f661ae4b79ab5063
                cf8ff008
                """
        ),
        Vector(
            algorithm: .xChaCha20Poly1305,
            direction: .fromResponder,
            epoch: 1,
            base: 1,
            packetKey: "d4037270d4dd80d05a62a0641435ca96400da54eda23558711b51da40495dae4",
            headerKey: "d386a0837af331f6cbec6699602408ac221ee3e3a3e665cd07c2305279f196ac",
            noncePrefix: "63c9a63e7c8bf6dd0b22f7bdf084414a",
            number: 0x20003,
            path: 5,
            packet: """
                aa48b813ac7ea69265398951cbb7833367695106d38075757f704257cd7a94ef
                a4196f7d6a3f45c9ccee55d3c4fa35b56097cb2702eb27dcfa476cbcc9521f9f
                1a378566
                """
        ),
        Vector(
            algorithm: .aes256GCM,
            direction: .fromInitiator,
            epoch: 0,
            base: 0,
            packetKey: "6db7fa09d9ae947a1e6347b24e5a1edc1a27e4d960846476bb53e534fd78415a",
            headerKey: "90328a579471d6e7a2b687b99e85cab73c2bb7a1071c2fd167ad73fe85d03331",
            noncePrefix: "9b2a087a",
            number: 0x10002,
            path: 0,
            packet: """
                4c0d8b7245302df509ca3206c578fd0825c7eda327b294e22ad239cd564dc57a
                a88c6300a2bc401fd2a8bd9293009e4bd1b78034ad0320091ef7994c52faa474
                5de19349
                """
        ),
        Vector(
            algorithm: .aes256GCM,
            direction: .fromResponder,
            epoch: 1,
            base: 1,
            packetKey: "d4037270d4dd80d05a62a0641435ca96400da54eda23558711b51da40495dae4",
            headerKey: "d386a0837af331f6cbec6699602408ac221ee3e3a3e665cd07c2305279f196ac",
            noncePrefix: "63c9a63e",
            number: 0x20003,
            path: 5,
            packet: """
                aa48b813ac7ea692d7c7745555389df5648de21fd8eee7b1477d6fc7f292e982
                99f6c07a61e89ab844377a5b6a40052f5fb49df7ceee593d9adf1ae37a873da4
                de553c73
                """
        ),
    ]

    private static func keys(_ vector: Vector) -> PacketKeys {
        var root = PacketRoot(k1: Secret(PacketEnds.k1), k2: Secret(PacketEnds.k2))
        if vector.epoch == 1 {
            root = root.next(
                sharedSecret: shared,
                initiatorRepresentative: [UInt8](repeating: 0x11, count: 32),
                responderRepresentative: [UInt8](repeating: 0x22, count: 32)
            )
        }
        return PacketKeys(root, vector.direction, vector.algorithm, base: vector.base)
    }

    /// A PING with the id 1…8 and the time 1 000 000.
    private static func ping(_ vector: Vector) -> [UInt8] {
        let sequence = (0..<4).map { UInt8(truncatingIfNeeded: vector.number >> (24 - 8 * UInt64($0))) }
        return [5, 0, 0, 0] + sequence + Hexadecimal.bytes("0000000000000000 0010 0000")
            + Hexadecimal.bytes("0102030405060708 00000000000f4240")
    }

    @Test(arguments: vectors)
    func `keys and a sealed PING are those of the document`(_ vector: Vector) throws {
        let keys = Self.keys(vector)
        let (packetKey, headerKey, noncePrefix) = (
            Array(keys.packetKey), Array(keys.headerKey), Array(keys.noncePrefix)
        )
        #expect(Hexadecimal.text(packetKey) == vector.packetKey)
        #expect(Hexadecimal.text(headerKey) == vector.headerKey)
        #expect(Hexadecimal.text(noncePrefix) == vector.noncePrefix)

        let room = [UInt8](repeating: 0, count: 16)
        var packet = room + Self.ping(vector) + room
        var span = packet.mutableSpan
        var raw = span.mutableBytes
        var sealer = PacketSealer(keys)
        try sealer.seal(&raw, number: vector.number, path: vector.path)
        #expect(packet == Hexadecimal.bytes(vector.packet))
    }

    @Test(arguments: vectors)
    func `the PING of the document opens`(_ vector: Vector) {
        let opener = Opener(Self.keys(vector))
        let (outcome, bytes) = opener.opened(Hexadecimal.bytes(vector.packet))
        // A receiver of epoch 1 alone starts with the generation of its base.
        #expect(outcome == .opened(vector.number, epoch: vector.epoch, path: UInt8(vector.path)))
        #expect(Array(bytes[16..<52]) == Self.ping(vector))
    }
}
