/// What a path was like when a packet was sent, and what has happened since.
package struct PacketHistory: Equatable, Sendable {
    package var sentAt: Instant
    /// Bytes of the datagram.
    package var size: Int
    /// Its number among the packets of its path, mod 2³².
    package var sequence: UInt32
    /// Bytes that were delivered when it was sent.
    package var priorDelivered: UInt64
    /// Bytes in flight when it was sent, with itself.
    package var inFlight: Int
    /// Bytes that were lost since it was sent, with itself if it was.
    package var lost: Int
    /// Whether the sender had too little to send when it went.
    package var isApplicationLimited: Bool
}
