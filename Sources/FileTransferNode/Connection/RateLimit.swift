internal import FileTransfer

/// Holds a sender back so that its datagrams together have a rate at most, in the long run and in each short time.
struct RateLimit {
    /// What may go at once after a pause.
    private static let burst = 0.01

    private let bytesPerNanosecond: Double
    private let most: Double
    /// Bytes that may go now; negative after a run that was longer.
    private var room: Double
    private var last: Instant

    /// - Parameter bitsPerSecond: of all bytes of UDP datagrams.
    init(bitsPerSecond: Double, now: Instant) {
        bytesPerNanosecond = bitsPerSecond / 8 / 1e9
        most = max(1_500, bitsPerSecond / 8 * Self.burst)
        room = most
        last = now
    }

    /// Bytes to send at once: at a low rate a whole run would take seconds.
    var longestRun: Int { max(SessionParameters.largestDatagram, Int(most)) }

    /// Whether something may go now.
    mutating func admits(_ now: Instant) -> Bool {
        room = min(most, room + Double(now - last) * bytesPerNanosecond)
        last = now
        return room > 0
    }

    mutating func sent(_ bytes: Int) { room -= Double(bytes) }

    /// When something may go again.
    var next: Instant { room > 0 ? last : last + Int64(-room / bytesPerNanosecond) + 1 }
}
