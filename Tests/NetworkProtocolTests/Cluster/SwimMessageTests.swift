internal import Identity
internal import NetworkProtocol
internal import OwnThread
internal import Testing

@Suite("SWIM messages", .ownThread)
struct SwimMessageTests {
    static let a = id(0xa1)
    static let b = id(0xb2)

    static func id(_ byte: UInt8) -> MemberID {
        guard let id = MemberID(publicKey: [UInt8](repeating: byte, count: 32)) else { preconditionFailure("32 bytes") }
        return id
    }

    static func address(_ ip: [UInt8], _ port: UInt16) -> MemberAddress {
        guard let address = MemberAddress(ip: ip, port: port) else { preconditionFailure("4 or 16 bytes") }
        return address
    }

    static let v6: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [9]
    static let accusers: SwimAccusers = {
        var accusers = SwimAccusers(b)
        accusers.insert(0x0102_0304)
        return accusers
    }()

    static let aBytes = String(repeating: "a1", count: 32)
    static let bBytes = String(repeating: "b2", count: 32)
    static let sequence: UInt64 = 0x0102_0304_0506_0708

    /// Each message with its bytes.
    static let golden: [(SwimMessage, String)] = [
        (
            SwimMessage(sender: a, body: .ping(sequence: sequence, target: b)),
            "01" + aBytes + "0102030405060708" + bBytes + "00"
        ),
        (SwimMessage(sender: a, body: .ack(sequence: sequence)), "02" + aBytes + "0102030405060708" + "00"),
        (SwimMessage(sender: a, body: .nack(sequence: sequence)), "03" + aBytes + "0102030405060708" + "00"),
        (
            SwimMessage(sender: a, body: .pingRequest(sequence: sequence, target: b)),
            "04" + aBytes + "0102030405060708" + bBytes + "00"
        ),
        (
            SwimMessage(
                sender: a,
                body: .gossip,
                updates: [
                    SwimUpdate(
                        id: b,
                        incarnation: 5,
                        claim: .alive(address([192, 0, 2, 7], 7_000), messagingPort: 80)
                    ),
                    SwimUpdate(id: b, incarnation: 6, claim: .alive(address(v6, 7_000), messagingPort: 0)),
                    SwimUpdate(id: b, incarnation: 7, claim: .suspect(accusers)),
                    SwimUpdate(id: b, incarnation: 8, claim: .dead),
                    SwimUpdate(id: b, incarnation: (1 << 56) - 1, claim: .left),
                ]
            ),
            "05" + aBytes + "05"
                + "01" + bBytes + "0000000000000005" + "04c0000207" + "1b58" + "0050"
                + "01" + bBytes + "0000000000000006" + "0620010db8000000000000000000000009" + "1b58" + "0000"
                + "02" + bBytes + "0000000000000007" + "02" + "01020304" + "b2b2b2b2"
                + "03" + bBytes + "0000000000000008"
                + "04" + bBytes + "00ffffffffffffff"
        ),
        (
            SwimMessage(sender: a, body: .pull(sequence: sequence, isAnswer: true, cursor: b, digest: 0xff)),
            "06" + aBytes + "0102030405060708" + "01" + bBytes + "00000000000000ff" + "00"
        ),
        (
            SwimMessage(sender: a, body: .page(sequence: sequence, isLast: true, cursor: a, through: b)),
            "07" + aBytes + "0102030405060708" + "01" + aBytes + bBytes + "00"
        ),
    ]

    @Test(arguments: golden.indices)
    func `each message has the bytes that are written down, and is read from them`(index: Int) throws {
        let (message, hex) = Self.golden[index]
        #expect(message.encoded().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == hex)
        let read = try SwimMessage(decoding: message.encoded())
        #expect(read == message)
    }

    @Test(arguments: golden.indices)
    func `a message that ends early or goes on is refused`(index: Int) throws {
        let bytes = Self.golden[index].0.encoded()
        for length in 0..<bytes.count {
            #expect(throws: SwimMessageError.truncated) { try SwimMessage(decoding: Array(bytes.prefix(length))) }
        }
        #expect(throws: SwimMessageError.trailingBytes(1)) { try SwimMessage(decoding: bytes + [0]) }
    }

    /// A gossip message whose one update has these bytes.
    private static func gossip(_ update: [UInt8]) -> [UInt8] {
        [5] + a.publicKey + [1] + update
    }

    @Test func `values that no member sends are refused by name`() {
        let head = Self.b.publicKey + [0, 0, 0, 0, 0, 0, 0, 1]
        let cases: [([UInt8], SwimMessageError)] = [
            ([8] + Self.a.publicKey + [0], .unknownType(8)),
            ([0] + Self.a.publicKey + [0], .unknownType(0)),
            ([5] + [UInt8](repeating: 0, count: 32) + [0], .invalidMember),
            (
                [6] + Self.a.publicKey + [UInt8](repeating: 0, count: 8) + [2] + [UInt8](repeating: 0, count: 41),
                .unknownFlags(2)
            ),
            (
                [UInt8](repeating: 0, count: SwimMessage.maximumLength + 1),
                .tooLong(bytes: SwimMessage.maximumLength + 1)
            ),
            (Self.gossip([5] + head), .unknownClaim(5)),
            (Self.gossip([3] + Self.b.publicKey + [1, 0, 0, 0, 0, 0, 0, 0]), .invalidIncarnation),
            (Self.gossip([3] + [UInt8](repeating: 0, count: 32) + [UInt8](repeating: 0, count: 8)), .invalidMember),
            (Self.gossip([1] + head + [5, 1, 2, 3, 4, 0, 1, 0, 0]), .unknownFamily(5)),
            (Self.gossip([2] + head + [0]), .invalidAccusers),
            (Self.gossip([2] + head + [5] + [UInt8](0..<20)), .invalidAccusers),
            (Self.gossip([2] + head + [2, 9, 9, 9, 9, 9, 9, 9, 9]), .invalidAccusers),
            (Self.gossip([2] + head + [2, 9, 9, 9, 9, 1, 9, 9, 9]), .invalidAccusers),
        ]
        for (bytes, error) in cases {
            #expect(throws: error) { try SwimMessage(decoding: bytes) }
            #expect(!error.description.isEmpty)
        }
    }

    @Test(
        arguments: [
            [4, 0, 0, 0, 0, 0, 1], [4, 0, 1, 2, 3, 0, 1], [4, 224, 0, 0, 1, 0, 1], [4, 239, 1, 1, 1, 0, 1],
            [4, 255, 255, 255, 255, 0, 1], [4, 10, 0, 0, 1, 0, 0],
            [6] + [UInt8](repeating: 0, count: 16) + [0, 1], [6, 0xff, 2] + [UInt8](repeating: 0, count: 14) + [0, 1],
            [6] + [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 10, 0, 0, 1, 0, 1],
        ] as [[UInt8]]
    )
    func `an address where no single member can be is refused`(address: [UInt8]) {
        let update = [1] + Self.b.publicKey + [0, 0, 0, 0, 0, 0, 0, 1] + address + [0, 0]
        #expect(throws: SwimMessageError.invalidAddress) { try SwimMessage(decoding: Self.gossip(update)) }
    }

    @Test func `accusers are a set of four, whatever the order they come in`() {
        var one = SwimAccusers()
        var other = SwimAccusers()
        for tag: UInt32 in [7, 3, 9, 3, 5] { one.insert(tag) }
        for tag: UInt32 in [5, 9, 9, 7, 3, 11] { other.insert(tag) }
        #expect(one == other && one.count == 4 && (0..<4).map { one[$0] } == [3, 5, 7, 9])
        #expect(one.hashValue == other.hashValue)
        #expect(one.insert(1) == false)
    }

    @Test func `ids and addresses are the bytes they were made of`() throws {
        #expect(MemberID(publicKey: [UInt8](repeating: 0, count: 32)) == nil)
        #expect(MemberID(publicKey: [UInt8](repeating: 1, count: 31)) == nil)
        let bytes = [UInt8](1...32)
        let id = try #require(MemberID(publicKey: bytes))
        #expect(id.publicKey == bytes && id < Self.a)
        #expect(EndpointID(id).publicKey == bytes && MemberID(EndpointID(id)) == id)
        #expect(MemberAddress(ip: [1, 2, 3], port: 1) == nil)
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 192, 0, 2, 1]
        #expect(MemberAddress(ip: mapped, port: 5) == MemberAddress(ip: [192, 0, 2, 1], port: 5))
        #expect(Self.address(Self.v6, 1).ip == Self.v6 && Self.address([10, 2, 3, 4], 1).ip == [10, 2, 3, 4])
    }
}
