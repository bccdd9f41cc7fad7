internal import Cryptography

/// What kept a session from sending more, and for how long.
package struct SendLimits: Equatable, Sendable {
    package enum Limit: Int, CaseIterable, Sendable {
        /// The congestion window or the pacer: what the path takes.
        case path
        /// What the receiver admits, or its socket buffer holds.
        case receiver
        /// There was nothing to send yet, or nothing anymore.
        case source
        /// The user's limit of the rate.
        case rate
    }

    private var current: Limit?
    private var since: Instant
    private var times = InlineArray<4, Int64>(repeating: 0)
    /// Nanoseconds without a limit: this machine sent as fast as it could.
    package private(set) var unlimited: Int64 = 0

    init(now: Instant) { since = now }

    /// Nanoseconds of a limit.
    package subscript(_ limit: Limit) -> Int64 { times[limit.rawValue] }

    /// The time since the last call belongs to the limit that was noted then.
    mutating func advance(to now: Instant) {
        if let current { times[current.rawValue] += now - since } else { unlimited += now - since }
        since = now
        current = nil
    }

    mutating func note(_ limit: Limit) { current = limit }

    /// Nanoseconds that are accounted for.
    private var accounted: Int64 { Limit.allCases.reduce(unlimited) { $0 + self[$1] } }

    /// Shares of the time that was accounted for since an earlier moment; together with that of no limit they are 1.
    /// Not of the time that a clock reads meanwhile: it runs on after the last step, a different while at each end.
    package func shares(since earlier: SendLimits) -> (limits: [(Limit, Double)], unlimited: Double) {
        let whole = Double(max(1, accounted - earlier.accounted))
        return (
            Limit.allCases.map { ($0, Double(self[$0] - earlier[$0]) / whole) },
            Double(unlimited - earlier.unlimited) / whole
        )
    }

    package static func == (left: SendLimits, right: SendLimits) -> Bool {
        left.unlimited == right.unlimited && Limit.allCases.allSatisfy { left[$0] == right[$0] }
    }
}

/// How a session sends, for people.
package struct SessionEvidence: Equatable, Sendable {
    /// Nanoseconds, smoothed and the least.
    package let roundTrip: Int64
    package let leastRoundTrip: Int64
    /// Bytes of the datagrams that the path takes.
    package let datagramSize: Int
    package let sentPackets: UInt64
    package let lostPackets: UInt64
    package let congestion: CongestionControl.Algorithm
    package let limits: SendLimits
    /// How often keys were exchanged anew.
    package let epoch: UInt32
}

extension Session where Content: ~Copyable {
    package var evidence: SessionEvidence {
        let time = recovery.paths[recoveryPath].time
        return SessionEvidence(
            roundTrip: time.smoothed,
            leastRoundTrip: time.minimum == .max ? time.smoothed : time.minimum,
            datagramSize: datagramSize,
            sentPackets: recovery.nextNumber,
            lostPackets: frames.lostPackets,
            congestion: recovery.paths[recoveryPath].controller.algorithm,
            limits: limits,
            epoch: sealer.epoch
        )
    }

    /// Nothing is sent now because of a limit of the user's.
    package mutating func holdBack(now: Instant) {
        limits.advance(to: now)
        limits.note(.rate)
    }
}
