/// An Endpoint ID in the core: compared and hashed without a heap object. Ordered as its bytes are.
package struct MemberID: Sendable, Hashable, Comparable {
    /// Length in bytes (RFC 8032, 5.1.5).
    package static let length = 32

    /// The bytes in four numbers, most significant first.
    let words: (UInt64, UInt64, UInt64, UInt64)

    init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Returns nil unless there are exactly ``length`` bytes, not all of them zero (that is not a key).
    package init?(publicKey: some Collection<UInt8>) {
        guard publicKey.count == Self.length, publicKey.contains(where: { $0 != 0 }) else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in publicKey.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// The key's ``length`` bytes.
    package var publicKey: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }

    package static func == (one: MemberID, other: MemberID) -> Bool { one.words == other.words }

    package static func < (one: MemberID, other: MemberID) -> Bool { one.words < other.words }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    /// Below every member: where a state exchange starts.
    package static let lowest = MemberID(words: (0, 0, 0, 0))
    /// Above or equal to every member: where a state exchange ends.
    package static let highest = MemberID(words: (.max, .max, .max, .max))
}
