/// What an attacker does, as the bytes of an input say it; zeros follow when they are used up.
struct AttackScript {
    private let input: [UInt8]
    private var offset = 0

    init(_ input: [UInt8]) { self.input = input }

    var isEmpty: Bool { offset >= input.count }

    mutating func byte() -> UInt8 {
        guard offset < input.count else { return 0 }
        defer { offset += 1 }
        return input[offset]
    }

    /// A place in something of `count` elements; 0 when there are none.
    mutating func index(below count: Int) -> Int {
        let number = count > 0x100 ? Int(byte()) << 8 | Int(byte()) : Int(byte())
        return count > 0 ? number % count : 0
    }

    private mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }

    /// What arrives where `original` was sent; `others` are what else was seen on the network.
    mutating func tampered(_ original: [UInt8], others: [[UInt8]]) -> [UInt8] {
        var changed = original
        switch byte() % 8 {
        case 2:
            let place = index(below: changed.count)
            if !changed.isEmpty { changed[place] ^= byte() }
        case 3: changed.removeLast(index(below: changed.count + 1))
        case 4: changed += bytes(index(below: 40))
        case 5:
            let other = others.isEmpty ? [] : others[index(below: others.count)]
            let start = index(below: min(original.count, other.count))
            let end = start + index(below: min(original.count, other.count) - start + 1)
            if end <= min(original.count, other.count) {
                changed.replaceSubrange(start..<end, with: other[start..<end])
            }
        case 6: changed = bytes(index(below: 200))
        case 7:
            // Where openings and responses have their ephemeral key.
            let key = AttackScript.lowOrderPoints[index(below: AttackScript.lowOrderPoints.count)]
            if changed.count >= 36 { changed.replaceSubrange(4..<36, with: key) }
        default: break
        }
        return changed
    }

    /// Keys of X25519 that lead to the secret zero whatever the other side's key is (RFC 7748, section 6.1); the last
    /// two have order 8.
    static let lowOrderPoints: [[UInt8]] =
        [
            point(0x00, 0x00, 0x00), point(0x01, 0x00, 0x00), point(0xec, 0xff, 0x7f), point(0xed, 0xff, 0x7f),
            point(0xee, 0xff, 0x7f), point(0x00, 0x00, 0x80),
        ] + [
            [
                0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
            ],
            [
                0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
                0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
            ],
        ]

    private static func point(_ first: UInt8, _ middle: UInt8, _ last: UInt8) -> [UInt8] {
        [first] + [UInt8](repeating: middle, count: 30) + [last]
    }
}
