/// Decides how many bytes may be in flight on a path, and how fast they go.
///
/// ``acknowledged(bytes:sentAt:)``, ``lost(sentAt:)`` and ``acknowledgedAfterLoss(sentAt:)`` come once for each packet
/// that an ACK or a timer concerns; then ``update(_:)`` comes once.
package protocol CongestionController: Sendable {
    /// - Parameter datagramSize: bytes of a full datagram of the path.
    init(datagramSize: Int)

    /// Bytes that may be in flight.
    var window: Int { get }
    /// Changes with the path's MTU.
    var datagramSize: Int { get set }

    /// Bytes per second at which packets are paced.
    func pacingRate(_ time: RoundTripTime) -> Double

    /// A packet is about to go. `inFlight`: bytes before it.
    mutating func sent(inFlight: Int, now: Instant)
    mutating func acknowledged(bytes: Int, sentAt: Instant)
    mutating func lost(sentAt: Instant)
    mutating func acknowledgedAfterLoss(sentAt: Instant)
    /// All packets of an ACK or a timer were passed.
    mutating func update(_ sample: CongestionSample)
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
}
