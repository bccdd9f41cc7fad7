/// Why an ACK of the peer violates the protocol. The session ends with CLOSE.
package enum AcknowledgmentFailure: Error, Equatable, Sendable {
    /// The payload has another length than its count of gaps says.
    case length(Int, expected: Int)
    /// A range reaches below packet number 0.
    case belowZero
    /// It names a packet that was never sent.
    case neverSent(UInt64)
}
