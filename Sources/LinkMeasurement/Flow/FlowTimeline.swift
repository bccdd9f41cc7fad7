/// When the bytes of one direction moved, by second since the first of them. No clock inside.
///
/// The bytes of a read arrived since the previous read, so they are spread evenly over that time, and cut at the border
/// of a second. Otherwise one segment of a slow link, or what TCP held back after a lost one, would make a second
/// faster than the line. The bytes of the first read arrived before the count started. They belong to the result, and
/// so does the time that they took at the rate of the rest.
package struct FlowTimeline: Sendable {
    /// Reads closer than this are one burst, in nanoseconds: they drain what had arrived before the first.
    static let burstGap: UInt64 = 1_000_000
    /// A burst is cut after this, in nanoseconds: on a fast link, reads follow each other all the time.
    static let longestBurst: UInt64 = 10_000_000
    private static let second: UInt64 = 1_000_000_000
    /// Seconds: at 64 kbit/s a segment takes 0.2.
    private static let longestLead = 1.0

    /// Seconds that count, from the first byte; later bytes are not part of the measurement.
    private let asked: Int
    private(set) var first: UInt64?
    /// Bytes that had arrived when the count started.
    private var lead = 0
    /// When bytes last moved.
    private(set) var last: UInt64 = 0
    /// Bytes up to here are in `seconds`.
    private var spreadUntil: UInt64 = 0
    private var burst: Burst?
    /// The last entry holds what came after the requested time.
    private var seconds: [Int]

    private struct Burst {
        let begin: UInt64
        var end: UInt64
        var bytes: Int
    }

    /// - Parameter asked: the length of the measurement in seconds.
    init(asked: Int) {
        self.asked = max(1, asked)
        self.seconds = [Int](repeating: 0, count: max(1, asked) + 1)
    }

    /// `count` bytes moved until `now`. A count of 0 starts the measurement, or marks its end, without a byte.
    mutating func add(_ count: Int, at time: UInt64) {
        guard first != nil else {
            first = time
            lead = count
            last = time
            spreadUntil = time
            return
        }
        let now = max(time, last)
        last = now
        guard count > 0 else { return }
        if let open = burst, now - open.end > Self.burstGap || now - open.begin >= Self.longestBurst { close(open) }
        burst = Burst(begin: burst?.begin ?? now, end: now, bytes: (burst?.bytes ?? 0).addingHeld(count))
    }

    /// `count` bytes arrived between two samples, evenly as far as is known. The first ones start the measurement.
    mutating func add(_ count: Int, since: UInt64, until time: UInt64) {
        guard let first else { return add(count, at: time) }
        guard count > 0 else { return }
        last = max(last, time)
        distribute(count, from: max(since, first), to: max(time, first))
    }

    private mutating func close(_ burst: Burst) {
        spread(burst)
        self.burst = nil
    }

    private mutating func spread(_ burst: Burst) {
        distribute(burst.bytes, from: spreadUntil, to: burst.end)
        spreadUntil = burst.end
    }

    /// Spreads bytes evenly over seconds.
    private mutating func distribute(_ bytes: Int, from begin: UInt64, to end: UInt64) {
        guard let first else { return }
        let length = end - min(begin, end)
        var index = min(Int((begin - first) / Self.second), asked)
        var done = 0
        while index < asked, first + UInt64(index + 1) * Self.second < end {
            let border = first + UInt64(index + 1) * Self.second
            // Up to the border, not for this second alone: rounding errors must not accumulate.
            let share = Int(Double(bytes) * (Double(border - begin) / Double(length)))
            seconds[index] = seconds[index].addingHeld(share - done)
            done = share
            index += 1
        }
        seconds[index] = seconds[index].addingHeld(bytes - done)
    }

    /// When the measurement is over, unless the flow ends earlier; nil until it has started.
    var end: UInt64? { first.map { $0 + UInt64(asked) * Self.second } }

    /// What moved within the requested time.
    /// - Parameter end: when the flow ended, or the current time; only the requested time counts.
    func reading(until end: UInt64) -> FlowReading? {
        guard let limit = self.end else { return nil }
        return reading(to: min(end, limit), isWhole: false)
    }

    /// Everything that moved, however long it took.
    func reading() -> FlowReading? { reading(to: last, isWhole: true) }

    private func reading(to end: UInt64, isWhole: Bool) -> FlowReading? {
        guard let first else { return nil }
        var whole = self
        if let burst { whole.spread(burst) }
        let until = max(end, first)
        let length = Double(until - first) / 1e9
        let count = min(Int(length.rounded(.up)), asked)
        var moved = Array(whole.seconds[..<max(count, 1)])
        // A sender may be late by a moment: this belongs to the last second.
        if isWhole, count == asked { moved[asked - 1] = moved[asked - 1].addingHeld(whole.seconds[asked]) }
        let rest = moved.reduce(0) { $0.addingHeld($1) }
        let lastSec = Double(min(last, until) - first) / 1e9
        // The first read's bytes took this long, at the rate of the rest while it moved; bounded, because the rest may
        // be a few bytes.
        let leadSeconds = rest > 0 ? min(Double(lead) * lastSec / Double(rest), Self.longestLead) : 0
        return FlowReading(
            bytes: lead.addingHeld(rest),
            seconds: length + leadSeconds,
            lead: lead,
            leadSeconds: leadSeconds,
            perSecond: moved,
            lastSec: lastSec
        )
    }
}

/// What one direction moved within the requested time.
package struct FlowReading: Sendable, Equatable {
    package var bytes = 0
    /// Length of the measurement.
    package var seconds = 0.0
    /// Bytes of the first read, and the time that they took.
    var lead = 0
    var leadSeconds = 0.0
    /// Bytes of each second after the first read.
    var perSecond: [Int] = []
    /// When bytes last moved, in seconds after the first read.
    var lastSec = 0.0

    package var bitsPerSecond: Double? { seconds > 0 ? Double(bytes) * 8 / seconds : nil }

    /// Whole seconds, and the rest of the last one; they add up to `bytes` and to `seconds`.
    package var intervals: [ThroughputInterval] {
        guard seconds > 0 else { return [] }
        return perSecond.enumerated().map { index, bytes in
            let start = index == 0 ? 0 : leadSeconds + Double(index)
            let end = index + 1 == perSecond.count ? seconds : leadSeconds + Double(index + 1)
            return ThroughputInterval(startSec: start, endSec: end, bytes: bytes + (index == 0 ? lead : 0))
        }
    }

    /// Since when nothing moved, in seconds, if that is too long for a pause.
    package var silentSinceSec: Double? {
        let silence = seconds - leadSeconds - lastSec
        return silence >= Self.longestPause(of: seconds) ? leadSeconds + lastSec : nil
    }

    /// A fifth of the test, from 1 to 2 s: TCP retries after a second if it knows nothing of the path.
    private static func longestPause(of seconds: Double) -> Double { min(max(1, seconds / 5), 2) }

    /// The same with all bytes times `factor`; `bytes` is the exact sum if it is given.
    func scaled(by factor: Double, bytes exact: Int? = nil) -> FlowReading {
        var result = self
        func scaled(_ count: Int) -> Int { Int((Double(count) * factor).rounded()) }
        result.lead = scaled(lead)
        var before = result.lead
        var sum = lead
        for index in perSecond.indices {
            sum += perSecond[index]
            let total = index + 1 == perSecond.count ? exact ?? scaled(sum) : scaled(sum)
            result.perSecond[index] = max(0, total - before)
            before = max(before, total)
        }
        result.bytes = before
        return result
    }
}
