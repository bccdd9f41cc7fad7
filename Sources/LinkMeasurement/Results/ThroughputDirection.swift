/// One direction of a throughput test. A figure that this end could not see is nil, never zero.
package struct ThroughputDirection: Codable, Sendable, Equatable {
    package typealias Direction = StreamDirection

    package var direction: Direction
    package var bytesSent: Int?
    package var bytesReceived: Int?
    /// Length of the measurement in seconds, as the receiver saw it if that is known.
    package var durationSec: Double
    package var bitsPerSecondSent: Double?
    package var bitsPerSecondReceived: Double?
    /// Retransmitted TCP segments. In a tunneled iperf3 test they are those of the loopback hop, not of the link.
    package var retransmits: Int?
    /// Interarrival jitter of UDP packets at the receiver (RFC 3550 6.4.1).
    package var jitterMs: Double?
    /// UDP packets that the receiver expected: those that arrived and those that did not.
    package var packets: Int?
    package var lostPackets: Int?
    package var lossPercent: Double?
    /// Since when nothing arrived, in seconds from the beginning, until the test's time was over; nil if bytes arrived
    /// to the end. The rate covers the whole time.
    package var silentSinceSec: Double?
    package var intervals: [ThroughputInterval]

    package init(
        direction: Direction,
        bytesSent: Int? = nil,
        bytesReceived: Int? = nil,
        durationSec: Double,
        bitsPerSecondSent: Double? = nil,
        bitsPerSecondReceived: Double? = nil,
        retransmits: Int? = nil,
        jitterMs: Double? = nil,
        packets: Int? = nil,
        lostPackets: Int? = nil,
        lossPercent: Double? = nil,
        silentSinceSec: Double? = nil,
        intervals: [ThroughputInterval] = []
    ) {
        self.direction = direction
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.durationSec = durationSec
        self.bitsPerSecondSent = bitsPerSecondSent
        self.bitsPerSecondReceived = bitsPerSecondReceived
        self.retransmits = retransmits
        self.jitterMs = jitterMs
        self.packets = packets
        self.lostPackets = lostPackets
        self.lossPercent = lossPercent
        self.silentSinceSec = silentSinceSec
        self.intervals = intervals
    }

    /// The result: what arrived, or what was sent if the receiver's view is missing.
    package var bitsPerSecond: Double? { bitsPerSecondReceived ?? bitsPerSecondSent }

    /// The bytes behind ``bitsPerSecond``.
    package var bytes: Int? { bitsPerSecondReceived == nil ? bytesSent ?? bytesReceived : bytesReceived }

    private enum CodingKeys: String, CodingKey {
        case direction
        case bytesSent = "sent_bytes"
        case bytesReceived = "received_bytes"
        case durationSec = "duration_sec"
        case bitsPerSecondSent = "sent_bps"
        case bitsPerSecondReceived = "received_bps"
        case retransmits
        case jitterMs = "jitter_ms"
        case packets
        case lostPackets = "lost_packets"
        case lossPercent = "loss_percent"
        case silentSinceSec = "silent_since_sec"
        case intervals
    }
}

/// What one direction moved between two moments, in seconds since the test began.
package struct ThroughputInterval: Codable, Sendable, Equatable {
    package var startSec: Double
    package var endSec: Double
    package var bytes: Int
    package var bitsPerSecond: Double
    package var retransmits: Int?

    package init(startSec: Double, endSec: Double, bytes: Int, bitsPerSecond: Double, retransmits: Int? = nil) {
        self.startSec = startSec
        self.endSec = endSec
        self.bytes = bytes
        self.bitsPerSecond = bitsPerSecond
        self.retransmits = retransmits
    }

    /// An interval whose rate follows from its bytes and its length; zero if it has no length.
    package init(startSec: Double, endSec: Double, bytes: Int, retransmits: Int? = nil) {
        let length = endSec - startSec
        self.init(
            startSec: startSec,
            endSec: endSec,
            bytes: bytes,
            bitsPerSecond: length > 0 ? Double(bytes) * 8 / length : 0,
            retransmits: retransmits
        )
    }

    private enum CodingKeys: String, CodingKey {
        case startSec = "start_sec"
        case endSec = "end_sec"
        case bytes = "moved_bytes"
        case bitsPerSecond = "rate_bps"
        case retransmits
    }
}
