internal import CBLAKE3

extension BLAKE3 {
    /// A hash of an input that comes in parts, with output of any length.
    ///
    /// The state, 2 KB, is overwritten when the value is destroyed. Large parts are fastest: with parts of 16 KiB and
    /// more, many chunks are hashed at once; with parts below 2 KiB, one after the other.
    ///
    /// `Sendable`, because the value is the only owner of its memory.
    @safe package struct Hasher: ~Copyable, @unchecked Sendable {
        /// On the heap, so that moving the value leaves no copy behind.
        let state: UnsafeMutablePointer<outpost_blake3_hasher>

        /// A hash without a key.
        package init() {
            unsafe state = .allocate(capacity: 1)
            unsafe outpost_blake3_start(state)
        }

        /// A keyed hash. `key` has `keyLength` bytes; another length is a programming error and traps.
        package init(key: Secret) {
            precondition(key.count == BLAKE3.keyLength, "a key has 32 bytes")
            unsafe state = .allocate(capacity: 1)
            let state = unsafe state
            // The pointer is not kept, and a key of 32 bytes has an address.
            unsafe key.withUnsafeBytes { key in
                if let key = key.baseAddress { unsafe outpost_blake3_start_keyed(state, key) }
            }
        }

        /// A key derivation, whose input is key material.
        ///
        /// - Parameter context: what the keys are for: a constant of the program that no other program uses.
        package init(derivingKeysFor context: StaticString) {
            unsafe state = .allocate(capacity: 1)
            let state = unsafe state
            context.withUTF8Buffer { context in
                // The pointer is not kept; an empty string has one too.
                if let bytes = context.baseAddress {
                    unsafe outpost_blake3_start_derivation(state, bytes, context.count)
                }
            }
        }

        deinit {
            unsafe outpost_blake3_wipe(state)
            unsafe state.deallocate()
        }

        /// Adds input.
        package mutating func update(_ bytes: RawSpan) {
            // The pointer is inside the span and is not kept.
            unsafe bytes.withUnsafeBytes { unsafe outpost_blake3_update(state, $0.baseAddress, $0.count) }
        }

        /// Adds a secret as input.
        package mutating func update(_ secret: Secret) {
            let state = unsafe state
            // The pointer is not kept.
            unsafe secret.withUnsafeBytes { unsafe outpost_blake3_update(state, $0.baseAddress, $0.count) }
        }

        /// The digest of the input so far. More may follow.
        package func digest() -> Digest {
            var digest = Bytes(repeating: 0)
            unsafe BLAKE3.withOutput(&digest) { unsafe outpost_blake3_finish(state, 0, $0, BLAKE3.digestLength) }
            return Digest(storage: digest)
        }

        /// Fills a span with the output for the input so far, from byte `position` on. The first 32 bytes are the
        /// digest. More input may follow.
        package func output(into bytes: inout MutableRawSpan, from position: UInt64 = 0) {
            // The pointer is inside the span and is not kept.
            unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe outpost_blake3_finish(state, position, buffer.baseAddress, buffer.count)
            }
        }

        /// The first `count` bytes of the output, for a key.
        package func secret(count: Int) -> Secret {
            precondition(count >= 0, "a secret has no negative length")
            var bytes = [UInt8](repeating: 0, count: count)
            defer { Wiping.wipe(&bytes) }
            // The array is as long as the call is to fill.
            unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe outpost_blake3_finish(state, 0, buffer.baseAddress, buffer.count)
            }
            return Secret(bytes)
        }
    }
}
