/// Compresses and decompresses payloads; contexts are shared by all connections of the process, since one of Zstandard's is larger than
/// an idle connection.
enum PayloadCompression {
    static func compress(_ payload: [UInt8], with compression: ConnectionOptions.Compression) -> [UInt8]? { nil }

    static func decompress(
        _ payload: [UInt8],
        flags: PacketFlags,
        limit: Int
    ) throws(ConnectionError) -> [UInt8] {
        guard !flags.isDisjoint(with: [.lz4, .zstd]) else { return payload }
        throw .malformedCompression("compression is not connected")
    }
}
