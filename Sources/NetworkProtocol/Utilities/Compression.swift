/// How a payload is made smaller.
///
///     LZ4         0  4  uncompressed length in bytes, little endian
///                 4 …   one LZ4 block (lz4_Block_format.md 1.6.3)
///     Zstandard   0 …   one frame (RFC 8878) that tells its content size and needs no dictionary; nothing before or behind it
///
/// Compressing a secret together with what an attacker chose tells the attacker, through the length, how alike the two are.
public enum CompressionAlgorithm: String, Sendable, CaseIterable {
    /// Fast.
    case lz4
    /// Smaller.
    case zstd

    /// Longest uncompressed payload in bytes, 16 MiB: longer ones are neither made nor believed.
    public static let maximumDecompressedLength = 16 * 1024 * 1024

    /// The levels there are. LZ4: the acceleration, more is faster and larger. Zstandard: more is slower and smaller; those beyond
    /// 19 would take hundreds of megabytes.
    public var levels: ClosedRange<Int> {
        switch self {
        case .lz4: 1...65_537
        case .zstd: 1...19
        }
    }

    /// What the libraries themselves take.
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
