internal import NetworkProtocol
internal import OwnThread
internal import Testing

@Suite("SWIM datagrams", .ownThread)
struct SwimDatagramTests {
    static func key(_ first: UInt8) -> ClusterKey {
        guard let key = ClusterKey(first..<(first + 32)) else { preconditionFailure("32 bytes") }
        return key
    }

    static let ring = SwimKeyring(clusterName: "test", keys: [key(1)])
    static let nonce = [UInt8](0x40...0x57)
    static let message = SwimMessage(sender: SwimMessageTests.a, body: .ack(sequence: 7)).encoded()
    static let time: Int64 = 1_800_000_000_000

    /// Made with Python's `hmac` and `hashlib` for HKDF and PyNaCl for the cipher.
    static let golden =
        "5357494d01b8404142434445464748494a4b4c4d4e4f50515253545556578c1d3a9f9e5406fc921387478c8381307afdc9c2"
        + "60d25278ef26543e29d488cab74d85ea268b1c95cc72a8f9dc23d640e1dca01330291fa352b55b09b961d91e94db"

    @Test func `a datagram has the bytes that others compute, and opens to the message and its time`() throws {
        let datagram = Self.ring.seal(Self.message, sentAt: Self.time, nonce: Self.nonce)
        #expect(datagram.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == Self.golden)
        #expect(datagram.count == Self.message.count + SwimDatagram.overhead)
        let opened = try Self.ring.open(datagram)
        #expect(opened.message == Self.message && opened.sentAt == Self.time)
    }

    @Test func `a datagram that is cut, longer or has any bit changed is refused`() {
        let datagram = Self.ring.seal(Self.message, sentAt: Self.time, nonce: Self.nonce)
        for length in datagram.indices {
            #expect(throws: SwimDatagramError.self) { try Self.ring.open(Array(datagram.prefix(length))) }
        }
        #expect(throws: SwimDatagramError.notAuthentic) { try Self.ring.open(datagram + [0]) }
        for bit in 0..<(8 * datagram.count) {
            var changed = datagram
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let expected: SwimDatagramError =
                switch bit / 8 {
                case 0..<4: .foreign
                case 4: .unknownVersion(changed[4])
                case 5: .unknownKey
                default: .notAuthentic
                }
            #expect(throws: expected) { try Self.ring.open(changed) }
        }
        let long = [UInt8](repeating: 0, count: SwimMessage.maximumLength + 1)
        #expect(throws: SwimDatagramError.foreign) {
            try Self.ring.open(Self.ring.seal(long, sentAt: 0, nonce: Self.nonce))
        }
    }

    @Test func `messages from another key or cluster name are ignored`() {
        let others = [
            SwimKeyring(clusterName: "test", keys: [Self.key(2)]),
            SwimKeyring(clusterName: "Test", keys: [Self.key(1)]),
        ]
        for other in others {
            let datagram = other.seal(Self.message, sentAt: Self.time, nonce: Self.nonce)
            #expect(throws: SwimDatagramError.unknownKey) { try Self.ring.open(datagram) }
        }
        // One key in 256 has the same fingerprint.
        let lookalike = (2..<220).lazy.map { SwimKeyring(clusterName: "test", keys: [Self.key($0)]) }
            .map { $0.seal(Self.message, sentAt: Self.time, nonce: Self.nonce) }
            .first { $0[5] == Self.ring.seal([], sentAt: 0, nonce: Self.nonce)[5] }
        if let lookalike { #expect(throws: SwimDatagramError.notAuthentic) { try Self.ring.open(lookalike) } }
    }

    @Test func `a cluster changes its key while old and new members hear each other`() throws {
        let old = Self.ring
        let both = SwimKeyring(clusterName: "test", keys: [Self.key(1), Self.key(9)])
        let switched = SwimKeyring(clusterName: "test", keys: [Self.key(9), Self.key(1)])
        for (sender, receiver) in [(old, both), (both, old), (both, switched), (switched, both)] {
            let datagram = sender.seal(Self.message, sentAt: Self.time, nonce: Self.nonce)
            let opened = try receiver.open(datagram)
            #expect(opened.message == Self.message)
        }
        #expect(throws: SwimDatagramError.unknownKey) {
            try old.open(switched.seal(Self.message, sentAt: Self.time, nonce: Self.nonce))
        }
    }

    @Test func `a datagram comes in once, and not half a minute from its time`() throws {
        for offset in [-30_000, -1, 0, 30_000] as [Int64] {
            var window = SwimReplayWindow()
            let datagram = Self.ring.seal(Self.message, sentAt: Self.time + offset, nonce: Self.nonce)
            try window.admit(datagram, sentAt: Self.time + offset, now: Self.time)
            // As long as it is recent enough.
            for now in stride(from: Self.time, through: Self.time + offset + 30_000, by: 500) {
                #expect(throws: SwimDatagramError.replayed) {
                    try window.admit(datagram, sentAt: Self.time + offset, now: now)
                }
            }
        }
        var window = SwimReplayWindow()
        for offset in [-30_001, 30_001, .min / 2, .max / 2] as [Int64] {
            let sentAt = Self.time + offset
            #expect(throws: SwimDatagramError.outOfTime(milliseconds: offset)) {
                try window.admit(Self.ring.seal([], sentAt: sentAt, nonce: Self.nonce), sentAt: sentAt, now: Self.time)
            }
        }
        // The last one is so far off that the difference overflows.
        for sentAt in [Int64.min, .min + Self.time] {
            #expect(throws: SwimDatagramError.outOfTime(milliseconds: .min)) {
                try window.admit(Self.ring.seal([], sentAt: sentAt, nonce: Self.nonce), sentAt: sentAt, now: Self.time)
            }
        }
    }

    @Test func `a flood of datagrams, as fast as one likes, is remembered for the last of them and takes bounded room`()
        throws
    {
        var window = SwimReplayWindow()
        func datagram(_ number: Int) -> [UInt8] {
            let nonce = (0..<24).map { UInt8(truncatingIfNeeded: number >> ($0 < 8 ? 8 * $0 : 0)) }
            return [UInt8](repeating: 0, count: 6) + nonce
        }
        for number in 0..<(3 * SwimReplayWindow.capacity) {
            try window.admit(datagram(number), sentAt: Self.time, now: Self.time)
        }
        let last = 3 * SwimReplayWindow.capacity - 1
        #expect(throws: SwimDatagramError.replayed) {
            try window.admit(datagram(last - SwimReplayWindow.capacity), sentAt: Self.time, now: Self.time)
        }
        // The first ones are forgotten: the memory is bounded.
        try window.admit(datagram(0), sentAt: Self.time, now: Self.time)
        // A clock that is set back by a day does not exclude the members.
        let yesterday = Self.time - 86_400_000
        try window.admit(datagram(last + 1), sentAt: yesterday, now: yesterday)
        #expect(throws: SwimDatagramError.replayed) {
            try window.admit(datagram(last + 1), sentAt: yesterday, now: yesterday + 29_999)
        }
    }

    @Test func `a key is 32 bytes, is read as it is written, and does not show itself`() throws {
        let key = try #require(ClusterKey(hexadecimal: Self.key(1).hexadecimal.uppercased()))
        #expect(key == Self.key(1) && ClusterKey.random() != ClusterKey.random())
        #expect(ClusterKey([UInt8](repeating: 0, count: 32)) == nil && ClusterKey([1, 2]) == nil)
        #expect(
            ClusterKey(hexadecimal: "zz") == nil && ClusterKey(hexadecimal: "é" + key.hexadecimal.dropFirst(2)) == nil
        )
        var dumped = ""
        dump([key], to: &dumped)
        #expect(!"\(key) \(String(reflecting: key)) \(dumped)".contains("0102"))
    }
}
