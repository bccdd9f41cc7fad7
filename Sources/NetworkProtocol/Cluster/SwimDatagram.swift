/// A message as it is on the network: authenticated and encrypted with the cluster's key.
///
///     0   4  magic 53 57 49 4D ("SWIM")
///     4   1  version 1
///     5   1  fingerprint of the key: byte 32 of what HKDF-SHA256 gives for key and cluster name
///     6  24  nonce, random
///    30   8  sealed: time of sending, milliseconds since 1970, big endian
///    38   …  sealed: a ``SwimMessage``
///     …  16  tag
///
/// XChaCha20-Poly1305 under bytes 0…31 of what HKDF-SHA256 gives; bytes 0…5 are authenticated with it. Nonces of 24
/// bytes may be random: after 2⁸⁰ datagrams two are the same with a chance of 2⁻³².
///
/// Old datagrams: ``SwimReplayWindow`` admits each once and only within 30 s of its sending. A datagram that is
/// admitted late, out of order, or at another member is harmless by ``SwimCore``'s rules: higher incarnations outweigh
/// claims, and no member waits twice for an ack's random sequence of 64 bits. Answers go to a known sender's address,
/// not to where a datagram seems to come from.
package enum SwimDatagram {
    /// Longest datagram in bytes: no fragments on Ethernet, nor in a tunnel over it.
    package static let maximumLength = 1_400
    /// Bytes before what is sealed.
    package static let headerLength = 4 + 1 + 1 + nonceLength
    package static let nonceLength = 24
    package static let tagLength = 16
    /// Bytes that are not the message.
    package static let overhead = headerLength + 8 + tagLength

    static let magic: [UInt8] = [0x53, 0x57, 0x49, 0x4d]
    static let version: UInt8 = 1
}

/// Why a datagram is dropped.
package enum SwimDatagramError: Error, Hashable, CustomStringConvertible {
    /// Too short, too long, or another magic: not of this protocol.
    case foreign
    case unknownVersion(UInt8)
    /// No key has its fingerprint: it belongs to another cluster.
    case unknownKey
    /// It was changed, or its key only looks like one of this cluster's.
    case notAuthentic
    /// It was sent that many milliseconds from now; negative if in the past.
    case outOfTime(milliseconds: Int64)
    case replayed

    /// Every possible ``reason``.
    package static let reasons = ["foreign", "version", "key", "authenticity", "clock", "replay"]

    /// For a metric; constant.
    package var reason: String {
        switch self {
        case .foreign: "foreign"
        case .unknownVersion: "version"
        case .unknownKey: "key"
        case .notAuthentic: "authenticity"
        case .outOfTime: "clock"
        case .replayed: "replay"
        }
    }

    package var description: String {
        switch self {
        case .foreign: "not a datagram of a cluster"
        case .unknownVersion(let version): "a datagram of version \(version); this is version \(SwimDatagram.version)"
        case .unknownKey: "a datagram of another cluster name or key"
        case .notAuthentic: "a datagram that was changed on the way or has another key"
        case .outOfTime(let milliseconds):
            "a datagram sent \(milliseconds.magnitude) ms in the \(milliseconds < 0 ? "past" : "future"): "
                + "it is old, or the clocks of the two members differ"
        case .replayed: "a datagram that came before"
        }
    }
}
