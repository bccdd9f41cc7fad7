/// When to ask a silent peer whether it lives, and when to stop believing it. No clock inside.
///
/// - A peer that has sent nothing for an interval is sent a ping. After `missed` intervals it is dead, unless it still
///   reads: then its answer waits behind what it has to read.
/// - A packet must be complete within the stall time plus a second for each 16 KiB of it: a peer that trickles bytes
///   holds nothing for long, and a peer on a slow line is not cut.
/// - A peer that reads nothing of what is sent for the stall time is cut, however much it sends itself. This is checked
///   once per stall time, so the cut comes at the latest after twice that.
/// - Time in which this side was suspended (a stopped process, a machine that slept) is no silence of the peer: what it
///   sent meanwhile has not been read yet.
struct Heartbeat: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Slowest rate at which a packet may arrive, in bytes a second.
    static let slowestRate = 16 * 1024

    /// A century represents forever: its product with ``mostMissed`` fits into a duration, and a task can sleep for it;
    /// a longer sleep traps.
    static let longest = Duration.seconds(100 * 365 * 86_400)
    private static let mostMissed = 1_000_000

    enum Verdict: Sendable, Hashable {
        /// Check again then.
        case fine(next: Instant)
        /// Send a ping, and check again then.
        case ping(next: Instant)
        case dead(ConnectionError)
    }

    let interval: Duration
    let missed: Int
    let stall: Duration

    private var lastReceived: Instant
    private var lastPing: Instant?
    /// The partial packet: when it started, and how much it needed then.
    private var packet: (began: Instant, missing: Int)?
    /// When the system took some of what had waited for it.
    private var lastTaken: Instant?
    /// Bytes that the system has not taken, how many it had taken, and since when it has taken none.
    private var unsent: (bytes: Int, written: Int, since: Instant)?
    /// When this side planned to check again.
    private var due: Instant?

    init(interval: Duration, missed: Int, stall: Duration, now: Instant) {
        self.interval = min(max(interval, .milliseconds(1)), Heartbeat.longest)
        self.missed = min(max(1, missed), Heartbeat.mostMissed)
        self.stall = min(max(stall, .milliseconds(1)), Heartbeat.longest)
        lastReceived = now
    }

    /// When ``check(now:unsentBytes:writtenBytes:)`` is due for the first time.
    var firstCheck: Instant { lastReceived + min(interval, stall) }

    /// Bytes arrived; `missing` is what the partial packet still needs, nil between packets.
    mutating func received(now: Instant, isInsidePacket: Bool, missing: Int) {
        lastReceived = now
        lastPing = nil
        guard isInsidePacket else {
            packet = nil
            return
        }
        // Only the start of a packet sets the deadline: more bytes of it do not move it, except those that complete its
        // header.
        packet = (packet?.began ?? now, max(packet?.missing ?? 0, missing))
    }

    private var packetDeadline: Instant? {
        packet.map { $0.began + stall + .seconds($0.missing / Heartbeat.slowestRate) }
    }

    /// A packet was completed; the next one's time starts with its first byte.
    mutating func completedPacket() { packet = nil }

    /// This side does not read, so nothing can arrive and no packet can end.
    mutating func paused(now: Instant) {
        lastReceived = now
        lastPing = nil
        packet = nil
    }

    /// - Parameters:
    ///   - unsentBytes: the part of the written data that the system has not taken.
    ///   - writtenBytes: all that it has taken since the connection started.
    mutating func check(now: Instant, unsentBytes: Int, writtenBytes: Int) -> Verdict {
        if let due, now - due >= patience { stoodStill(since: due, until: now) }
        let verdict = judge(now: now, unsentBytes: unsentBytes, writtenBytes: writtenBytes)
        switch verdict {
        case .fine(let next), .ping(let next): due = next
        case .dead: due = nil
        }
        return verdict
    }

    /// A check that is later than this was delayed; what arrived meanwhile is read within this time.
    private var patience: Duration { min(interval, stall) / 4 }

    /// Moves every mark by the delay and by the time to read what arrived during it.
    private mutating func stoodStill(since due: Instant, until now: Instant) {
        let time = now - due + patience
        func moved(_ mark: Instant) -> Instant { min(mark + time, now) }
        lastReceived = moved(lastReceived)
        lastTaken = lastTaken.map(moved)
        lastPing = lastPing.map(moved)
        if let packet { self.packet = (moved(packet.began), packet.missing) }
        if let unsent { self.unsent = (unsent.bytes, unsent.written, moved(unsent.since)) }
    }

    private mutating func judge(now: Instant, unsentBytes: Int, writtenBytes: Int) -> Verdict {
        if let packetDeadline, now >= packetDeadline {
            return .dead(.timedOut(what: "a packet that had begun"))
        }
        if unsentBytes == 0 {
            if unsent != nil { lastTaken = now }
            unsent = nil
        } else if let last = unsent, unsentBytes >= last.bytes, writtenBytes <= last.written {
            // More may have been written meanwhile, such as a ping: that is no sign of a peer that reads.
            unsent?.bytes = unsentBytes
            if now - last.since >= stall { return .dead(.stalled(after: stall)) }
        } else {
            if unsent != nil { lastTaken = now }
            unsent = (unsentBytes, writtenBytes, now)
        }
        let deadAt = max(lastReceived, lastTaken ?? lastReceived) + interval * missed
        if now >= deadAt { return .dead(.dead(after: interval * missed)) }

        // However rare pings are: a packet may start at any time, and sending may stall.
        var next = min(deadAt, now + stall)
        if let packetDeadline { next = min(next, packetDeadline) }
        if let unsent { next = min(next, unsent.since + stall) }
        let pingAt = (lastPing ?? lastReceived) + interval
        if now >= pingAt {
            lastPing = now
            return .ping(next: min(next, now + interval))
        }
        return .fine(next: min(next, pingAt))
    }
}
