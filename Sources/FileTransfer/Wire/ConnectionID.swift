internal import Cryptography

/// The first eight bytes of a datagram, by which its receiver finds the session.
package struct ConnectionID: Hashable, Sendable {
    package static let length = 8
    /// That of a message 1.
    package static let handshake = ConnectionID(UInt64.max)

    /// The bytes as a big-endian integer.
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// That of a datagram; nil if it is too short.
    package init?(of datagram: RawSpan) {
        guard datagram.byteCount >= Self.length else { return nil }
        value = datagram.bigEndian(at: 0, as: UInt64.self)
    }

    init(firstOf digest: BLAKE3.Digest) { value = digest.prefix(Self.length).reduce(0) { $0 << 8 | UInt64($1) } }
}
