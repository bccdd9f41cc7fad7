internal import CZstd

/// One Zstandard frame (RFC 8878, section 3.1.1), judged by its header before anything is allocated.
///
///     0  4  magic 28 B5 2F FD
///     4  1  descriptor: bits 6-7 width of the content size, bit 5 single segment, bit 2 checksum,
///           bits 0-1 width of the dictionary's number
///     5  1  window: bits 3-7 exponent - 10, bits 0-2 eighths; absent in a single segment
///     …     dictionary's number, content size, blocks, checksum
enum ZstdFrame {
    static let magic: UInt32 = 0xfd2f_b528
    /// Most bytes that a block represents.
    static let maximumBlockLength = 128 * 1024
    /// Bytes of the shortest block that represents any: its header and the byte that it repeats.
    static let minimumBlockLength = 4
    /// Bytes of the shortest header.
    static let minimumHeaderLength = 6
    /// Largest window in bytes. A window longer than any payload is useless.
    static let maximumWindow = UInt64(CompressionAlgorithm.maximumDecompressedLength)

    /// The size that the frame claims for its content, at most `limit` and plausible.
    ///
    /// A block can repeat one byte 131 072 times, so a plausible claim of a few bytes is still 30 000 times their
    /// length: `limit` bounds the memory.
    static func contentSize(_ input: RawSpan, limit: Int) throws(CompressionError) -> Int {
        let length = input.byteCount
        guard length >= minimumHeaderLength else { throw .truncated(.zstd, length: length) }
        // Every byte pattern is a value.
        let found = UInt32(littleEndian: unsafe input.unsafeLoadUnaligned(as: UInt32.self))
        guard found == magic else { throw .notAFrame(found: found) }
        let window = window(of: input)
        if window > maximumWindow { throw .windowTooLarge(window, limit: Int(maximumWindow)) }
        let claimed = unsafe input.withUnsafeBytes { unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // Macros of C that Swift does not see.
        let unknown = UInt64.max
        let error = UInt64.max - 1
        if claimed == unknown { throw .sizeMissing }
        if claimed == error { throw .invalidHeader(length: length) }
        let dictionary = unsafe input.withUnsafeBytes { unsafe ZSTD_getDictID_fromFrame($0.baseAddress, $0.count) }
        if dictionary != 0 { throw .dictionary(dictionary) }
        guard claimed <= UInt64(limit) else { throw .tooLong(.zstd, claimed: claimed, limit: limit) }
        let blocks = (length - minimumHeaderLength) / minimumBlockLength
        guard Int(claimed) <= blocks * maximumBlockLength else {
            throw .implausible(.zstd, claimed: Int(claimed), compressed: length)
        }
        return Int(claimed)
    }

    /// In bytes; 0 for a single segment, whose window is its content.
    private static func window(of input: RawSpan) -> UInt64 {
        // Six bytes are there, of which every pattern is a value.
        let descriptor = unsafe input.unsafeLoad(fromByteOffset: 4, as: UInt8.self)
        if descriptor & 0x20 != 0 { return 0 }
        let window = unsafe input.unsafeLoad(fromByteOffset: 5, as: UInt8.self)
        let base: UInt64 = 1 << (10 + UInt64(window >> 3))
        return base + base / 8 * UInt64(window & 7)
    }

    /// Throws unless the input is the whole frame and nothing else. Reads only the headers of its blocks.
    static func checkEnd(_ input: RawSpan, claimed: Int) throws(CompressionError) {
        let length = input.byteCount
        let end = unsafe input.withUnsafeBytes { unsafe ZSTD_findFrameCompressedSize($0.baseAddress, $0.count) }
        if ZSTD_isError(end) != 0 {
            if ZSTD_getErrorCode(end) == ZSTD_error_srcSize_wrong { throw .truncated(.zstd, length: length) }
            throw .malformed(.zstd, claimed: claimed, compressed: length, reason: reason(end))
        }
        if end < length { throw .trailingBytes(length - end) }
    }

    /// The library's message for a failed result.
    static func reason(_ result: Int) -> String {
        // A constant of the library.
        unsafe String(cString: ZSTD_getErrorName(result))
    }
}
