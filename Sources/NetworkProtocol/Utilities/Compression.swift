/// How a payload is compressed.
///
///     LZ4         0  4  uncompressed length in bytes, little endian
///                 4 …   one LZ4 block (lz4_Block_format.md 1.6.3)
///     Zstandard   0 …   one frame (RFC 8878) with its content size, no dictionary; nothing before or after it
///
/// Compressing a secret together with text that an attacker chose reveals to the attacker, through the length, how
/// similar the two are.
public enum CompressionAlgorithm: String, Sendable, CaseIterable {
    /// Fast.
    case lz4
    /// Smaller.
    case zstd

    /// Longest uncompressed payload in bytes, 16 MiB: longer ones are neither sent nor accepted.
    public static let maximumDecompressedLength = 16 * 1024 * 1024

    /// The valid levels. LZ4: the acceleration; higher is faster and larger. Zstandard: higher is slower and smaller;
    /// levels above 19 would take hundreds of megabytes.
    public var levels: ClosedRange<Int> {
        switch self {
        case .lz4: 1...65_537
        case .zstd: 1...19
        }
    }

    /// The defaults of the libraries.
    public var defaultLevel: Int {
        switch self {
        case .lz4: 1
        case .zstd: 3
        }
    }

    /// The name in sentences.
    var name: String {
        switch self {
        case .lz4: "LZ4"
        case .zstd: "Zstandard"
        }
    }
}
