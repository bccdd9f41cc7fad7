/// The ten bytes before every payload.
///
///     0  4  magic DE AD BE EF
///     4  1  version 1
///     5  1  flags: bit 0 LZ4, bit 1 Zstd, bit 2 encrypted; others are 0
///     6  4  payload length in bytes, big endian
public struct PacketHeader: Sendable, Hashable {
    /// Length of a header in bytes.
    public static let length = 10
    /// Longest payload in bytes: 16 MiB.
    public static let maximumPayloadLength = 16 * 1024 * 1024
}
