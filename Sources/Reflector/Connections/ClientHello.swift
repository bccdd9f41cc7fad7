internal import NIOCore

// The first record of a TLS connection (RFC 8446, 5.1):
//
//   offset  size  field
//   0       1     type: 22, handshake
//   1       2     version: 3.1 or 3.3
//   3       2     length N of the fragment, at most 16 384
//   5       N     the ClientHello, or its beginning

/// Detects when a connection has sent enough to create TLS for it.
enum ClientHello {
    private static let headerLength = 5
    private static let handshake: UInt8 = 22
    private static let majorVersion: UInt8 = 3
    /// RFC 8446, 5.1: the fragment of a record.
    private static let maximumFragment = 16_384

    /// Whether the first record is complete. Also true for anything that is no ClientHello: TLS answers that with an
    /// alert.
    static func mayBegin(_ bytes: ByteBuffer) -> Bool {
        let start = bytes.readerIndex
        guard let type = bytes.getInteger(at: start, as: UInt8.self) else { return false }
        guard type == handshake else { return true }
        guard let major = bytes.getInteger(at: start + 1, as: UInt8.self) else { return false }
        guard major == majorVersion else { return true }
        guard let length = bytes.getInteger(at: start + 3, as: UInt16.self) else { return false }
        return length > maximumFragment || bytes.readableBytes >= headerLength + Int(length)
    }
}
