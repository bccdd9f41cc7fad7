/// One direction of a simulated network: it computes when data arrives, and no real time passes.
///
/// The caller owns the generator, so one seed gives the same run of the whole network.
package struct SimulatedLink: Sendable {
    package struct Conditions: Sendable {
        /// Fraction of datagrams that are lost, 0…1.
        package var loss = 0.0
        /// Fraction of datagrams that arrive twice, 0…1.
        package var duplication = 0.0
        /// One-way delay in nanoseconds, evenly distributed: datagrams that are sent within it may be reordered.
        package var delay: ClosedRange<Int64> = 500_000...5_000_000
        /// Rate in bytes a second; nil for no limit.
        package var rate: Int64?
        /// Bytes that may wait if there is a rate; more are lost.
        package var queue = 1 << 20

        package init() {}
    }

    package var conditions: Conditions
    /// When the last waiting byte has passed.
    private var isBusyUntil: Int64 = 0
    /// Of a stream.
    private var lastArrival: Int64 = 0

    package init(_ conditions: Conditions = Conditions()) { self.conditions = conditions }

    /// When a datagram of this length that is sent now arrives: never, once, or twice.
    package mutating func arrivals(
        ofDatagram bytes: Int,
        now: Int64,
        using generator: inout some RandomNumberGenerator
    ) -> [Int64] {
        let copies = happens(conditions.duplication, &generator) ? 2 : 1
        var arrivals: [Int64] = []
        for _ in 0..<copies where !happens(conditions.loss, &generator) {
            guard let passed = pass(bytes, now: now) else { continue }
            arrivals.append(passed + delay(&generator))
        }
        return arrivals
    }

    /// When bytes of a stream arrive: never lost, and never before bytes that were sent earlier.
    package mutating func arrival(
        ofStream bytes: Int,
        now: Int64,
        using generator: inout some RandomNumberGenerator
    ) -> Int64 {
        let start = max(now, isBusyUntil)
        isBusyUntil = start + time(for: bytes)
        lastArrival = max(lastArrival, isBusyUntil + delay(&generator))
        return lastArrival
    }

    /// When the last of these bytes has passed; nil if there is no room for them.
    private mutating func pass(_ bytes: Int, now: Int64) -> Int64? {
        guard let rate = conditions.rate else { return now }
        let start = max(now, isBusyUntil)
        let waiting = Double(start - now) * Double(rate) / 1_000_000_000
        guard waiting + Double(bytes) <= Double(conditions.queue) else { return nil }
        isBusyUntil = start + time(for: bytes)
        return isBusyUntil
    }

    private func time(for bytes: Int) -> Int64 {
        conditions.rate.map { Int64(bytes) * 1_000_000_000 / max(1, $0) } ?? 0
    }

    private func delay(_ generator: inout some RandomNumberGenerator) -> Int64 {
        let spread = UInt64(conditions.delay.upperBound - conditions.delay.lowerBound) + 1
        return conditions.delay.lowerBound + Int64(generator.next(upperBound: spread))
    }

    private func happens(_ share: Double, _ generator: inout some RandomNumberGenerator) -> Bool {
        share > 0 && Double.random(in: 0..<1, using: &generator) < share
    }
}
