internal import CBLAKE2s

/// BLAKE2s with a digest of 32 bytes and no key (RFC 7693).
///
/// A value hashes any number of messages, one after the other. Only creating it allocates: 112 bytes, so that moving
/// the value leaves no copy behind. What it holds of a message is overwritten when its digest is made, and when the
/// value is destroyed.
///
/// `Sendable`, because the value cannot be copied and so has one user at a time.
@safe package struct BLAKE2s: ~Copyable, @unchecked Sendable {
    /// Bytes of a digest.
    package static let digestLength = 32
    /// Bytes that are compressed at once; HMAC fills up its key to so many.
    package static let blockLength = 64

    private let state: UnsafeMutablePointer<outpost_blake2s>

    package init() {
        unsafe state = UnsafeMutablePointer<outpost_blake2s>.allocate(capacity: 1)
        // Initializes all of it.
        unsafe outpost_blake2s_start(state)
    }

    deinit {
        unsafe Wiping.wipe(UnsafeMutableRawBufferPointer(start: state, count: MemoryLayout<outpost_blake2s>.size))
        unsafe state.deallocate()
    }

    /// The message goes on with these bytes.
    package mutating func update(_ bytes: Span<UInt8>) {
        // The bytes are read during the call only.
        unsafe bytes.withUnsafeBufferPointer { unsafe outpost_blake2s_update(state, $0.baseAddress, $0.count) }
    }

    /// Writes the digest into the first `digestLength` bytes; fewer are a programming error and trap. The next bytes
    /// begin a new message.
    package mutating func finish(into digest: inout MutableSpan<UInt8>) {
        precondition(digest.count >= Self.digestLength, "a digest has 32 bytes")
        // As many bytes as were compared; no pointer is kept.
        unsafe digest.withUnsafeMutableBufferPointer { digest in
            guard let address = digest.baseAddress else { fatalError("a digest without memory") }
            unsafe outpost_blake2s_finish(state, address)
        }
    }

    /// The digest in an array of its own.
    package mutating func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.digestLength)
        var span = digest.mutableSpan
        finish(into: &span)
        return digest
    }
}
