internal import Cryptography

/// The payload of PATH_CHALLENGE and PATH_RESPONSE.
///
///     0   8   random
///     8   1   path: the index of the connection ID of the PATH_CHALLENGE
struct PathToken: Equatable, Sendable {
    static let length = 9
    /// Bytes of a packet with it and without padding.
    static let leastPacket = PacketHeader.overhead + length
    /// Bytes to which it is padded, so that a path is proved to take datagrams of that size.
    static let packet = PathMTU.base

    let random: UInt64
    let path: UInt8

    init(random: UInt64, path: UInt8) {
        self.random = random
        self.path = path
    }

    /// Nil if it has another length.
    init?(_ payload: RawSpan) {
        guard payload.byteCount == Self.length else { return nil }
        random = payload.bigEndian(at: 0, as: UInt64.self)
        path = payload.bigEndian(at: 8, as: UInt8.self)
    }

    func write(to packet: inout MutableRawSpan, at start: Int) {
        packet.store(bigEndian: random, at: start)
        packet.store(bigEndian: path, at: start + 8)
        packet.clear(from: start + Self.length)
    }
}
