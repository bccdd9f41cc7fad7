/// Why bytes are not an acceptable compressed payload. All lengths are in bytes.
package enum CompressionError: Error, Sendable, Hashable {
    /// They end before the compressed payload does.
    case truncated(CompressionAlgorithm, length: Int)
    /// The first four bytes, little endian, are not those of a Zstandard frame.
    case notAFrame(found: UInt32)
    /// The header of the Zstandard frame is cut off, or a reserved bit is set in it.
    case invalidHeader(length: Int)
    /// The Zstandard frame has no content size.
    case sizeMissing
    /// The claimed size is above the limit.
    case tooLong(CompressionAlgorithm, claimed: UInt64, limit: Int)
    /// So few bytes cannot decompress to the claimed size.
    case implausible(CompressionAlgorithm, claimed: Int, compressed: Int)
    /// The Zstandard frame needs a dictionary.
    case dictionary(UInt32)
    /// The Zstandard frame needs a larger window than the longest payload.
    case windowTooLarge(UInt64, limit: Int)
    /// Bytes follow the Zstandard frame.
    case trailingBytes(Int)
    /// The compressed data contradict themselves or the claimed size; the reason is the library's, if it gives one.
    case malformed(CompressionAlgorithm, claimed: Int, compressed: Int, reason: String?)
}

extension CompressionError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated(let algorithm, let length):
            "the \(algorithm.name) payload ends after \(length) bytes, too early: it must be sent whole"
        case .notAFrame(let found):
            "the Zstandard payload begins with 0x\(String(found, radix: 16)) where 0xfd2fb528 was expected: "
                + "it must be a frame, neither a skippable one nor one of an older format"
        case .invalidHeader(let length):
            "the Zstandard payload of \(length) bytes begins with a header that is cut, or that uses what is reserved"
        case .sizeMissing:
            "the Zstandard frame does not tell its content size: the sender must write it"
        case .tooLong(let algorithm, let claimed, let limit):
            "the \(algorithm.name) payload claims \(claimed) bytes, and \(limit) are allowed here"
        case .implausible(let algorithm, let claimed, let compressed):
            "the \(algorithm.name) payload claims \(claimed) bytes, which \(compressed) compressed bytes cannot hold"
        case .dictionary(let identifier):
            "the Zstandard frame wants dictionary \(identifier): the sender must use none"
        case .windowTooLarge(let window, let limit):
            "the Zstandard frame wants a window of \(window) bytes, and \(limit) are allowed: the sender must use a smaller one"
        case .trailingBytes(let count):
            "\(count) bytes follow the Zstandard frame: a payload is one frame"
        case .malformed(let algorithm, let claimed, let compressed, let reason):
            "the \(algorithm.name) payload of \(compressed) bytes does not give the \(claimed) bytes it claims"
                + (reason.map { ": \($0)" } ?? "") + "; it was damaged or is not \(algorithm.name)"
        }
    }
}
