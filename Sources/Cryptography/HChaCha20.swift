/// HChaCha20 (draft-irtf-cfrg-xchacha-03, section 2.2): derives a key for ChaCha20 from a key and the first 16 bytes of
/// a long nonce.
enum HChaCha20 {
    /// The input: the words of "expand 32-byte k", the key, the prefix; all little-endian.
    private typealias State = InlineArray<16, UInt32>

    /// The 32 bytes of the derived key as eight words, each to be written little-endian.
    ///
    /// `key` has 32 bytes and `prefix` 16; any other length is a programming error and traps.
    static func subkey(
        key: some Collection<UInt8>,
        prefix: some Collection<UInt8>
    ) -> InlineArray<8, UInt32> {
        precondition(key.count == 32 && prefix.count == 16, "HChaCha20 takes a key of 32 and a nonce of 16 bytes")
        var state = State(repeating: 0)
        defer { Wiping.wipe(&state) }
        state[0] = 0x6170_7865
        state[1] = 0x3320_646e
        state[2] = 0x7962_2d32
        state[3] = 0x6b20_6574
        load(key, into: &state, at: 4)
        load(prefix, into: &state, at: 12)
        for _ in 0..<10 {
            quarterRound(&state, 0, 4, 8, 12)
            quarterRound(&state, 1, 5, 9, 13)
            quarterRound(&state, 2, 6, 10, 14)
            quarterRound(&state, 3, 7, 11, 15)
            quarterRound(&state, 0, 5, 10, 15)
            quarterRound(&state, 1, 6, 11, 12)
            quarterRound(&state, 2, 7, 8, 13)
            quarterRound(&state, 3, 4, 9, 14)
        }
        // The first and the last row, without the final addition of ChaCha20's block function.
        return [state[0], state[1], state[2], state[3], state[12], state[13], state[14], state[15]]
    }

    private static func load(_ bytes: some Collection<UInt8>, into state: inout State, at first: Int) {
        var position = 0
        for byte in bytes {
            state[first + position / 4] |= UInt32(byte) << (8 * UInt32(position % 4))
            position += 1
        }
    }

    /// RFC 8439, section 2.1.
    @inline(__always)
    private static func quarterRound(_ state: inout State, _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
        state[a] &+= state[b]
        state[d] = rotated(state[d] ^ state[a], by: 16)
        state[c] &+= state[d]
        state[b] = rotated(state[b] ^ state[c], by: 12)
        state[a] &+= state[b]
        state[d] = rotated(state[d] ^ state[a], by: 8)
        state[c] &+= state[d]
        state[b] = rotated(state[b] ^ state[c], by: 7)
    }

    @inline(__always)
    private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
        word &<< count | word &>> (32 &- count)
    }
}
