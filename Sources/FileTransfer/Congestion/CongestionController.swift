/// Decides how many bytes may be in flight on a path, and how fast they go.
///
/// ``acknowledged(bytes:sentAt:)``, ``lost(_:)`` and ``acknowledgedAfterLoss(sentAt:)`` come once for each packet that
/// an ACK or a timer concerns; then ``update(_:)`` comes once.
package protocol CongestionController: Sendable {
    /// - Parameter datagramSize: bytes of a full datagram of the path.
    init(datagramSize: Int)

    /// Bytes that may be in flight.
    var window: Int { get }
    /// Changes with the path's MTU.
    var datagramSize: Int { get set }
    /// Whether the controller keeps the path empty on purpose, so that samples do not tell the path's rate.
    var holdsBack: Bool { get }

    /// Bytes per second at which packets are paced.
    func pacingRate(_ time: RoundTripTime) -> Double

    /// A packet is about to go. `inFlight`: bytes before it.
    mutating func sent(inFlight: Int, now: Instant)
    mutating func acknowledged(bytes: Int, sentAt: Instant)
    mutating func lost(_ packet: PacketHistory)
    mutating func acknowledgedAfterLoss(sentAt: Instant)
    /// All packets of an ACK or a timer were passed.
    mutating func update(_ sample: CongestionSample)

    /// A controller of the same kind that knows nothing: for another path, or for a path that has changed.
    func fresh(datagramSize: Int) -> Self
}

extension CongestionController {
    package var holdsBack: Bool { false }

    package func fresh(datagramSize: Int) -> Self { Self(datagramSize: datagramSize) }
}

/// What an ACK or a timer says about a path as a whole.
package struct CongestionSample: Sendable {
    package var now: Instant
    package var time: RoundTripTime
    /// The round-trip time measured by this ACK.
    package var latest: Int64?
    package var rate: RateSample?
    /// Whether a packet was acknowledged that was sent after the last time this was true.
    package var startsRound: Bool
    /// Most bytes that were in flight in this round or the one before.
    package var mostInFlight: Int
    /// Whether all packets of a long time were lost.
    package var isPersistent: Bool
    /// Bytes in flight after this ACK or timer.
    package var inFlight: Int
    /// Of the packets that the ACK acknowledged, the one that was sent last; nil without any.
    package var newest: PacketHistory?
}
