@testable import FileTransfer

/// A path of 100 Mbit/s and 50 ms with something that is hard on it, and the flows that use it.
struct PathScenario: Sendable {
    static let rate = 12_500_000.0
    /// Nanoseconds.
    static let roundTrip: Int64 = 50_000_000
    /// Bytes.
    static let product = rate * 0.05
    /// Of a datagram's bytes on the wire, those that are payload.
    static let share = Double(SimulatedEnd.payload) / Double(SimulatedEnd.size + SimulatedLink.headers)

    typealias Flow = SimulatedNetwork.Flow

    var name: String
    /// Bandwidth-delay products that the bottleneck's queue holds.
    var queue = 1.0
    var change: @Sendable (inout SimulatedLink.Properties) -> Void = { _ in }
    var changeBack: @Sendable (inout SimulatedLink.Properties) -> Void = { _ in }
    var flows: [Flow] = []
    /// Seconds at which measuring begins and ends.
    var from = 4.0
    var to = 14.0
    /// Bytes per second at the end.
    var lastRate = rate
    var seed: UInt64 = 1

    struct Result {
        /// Of the link's payload rate, while measured.
        var goodput: [Double]
        /// Of all packets, in milliseconds: the mean wait at the bottleneck and the longest.
        var queue: Double
        var longestQueue: Double
        /// Of the bottleneck, while measured: the share of packets that did not get through.
        var dropped: Double
        /// For each 50 ms from the start: arrived payload and the wait at the end.
        var arrivals: [Double]
        var waits: [Double]
        var violation: String?

        var total: Double { goodput.reduce(0, +) }

        /// Seconds until so much of the link's payload rate arrived in 100 ms.
        func reaches(_ share: Double) -> Double? {
            for index in 1..<arrivals.count where (arrivals[index] + arrivals[index - 1]) / 2 >= share {
                return Double(index + 1) * 0.05
            }
            return nil
        }

        /// Round trips from a time, in seconds, until the wait is no longer than so many milliseconds and stays so for
        /// half a second.
        func drains(from time: Double, to most: Double) -> Int? {
            let start = Int(time / 0.05)
            guard start + 10 < waits.count else { return nil }
            return (start..<waits.count - 10).first { waits[$0..<$0 + 10].allSatisfy { $0 <= most } }.map { $0 - start }
        }
    }

    func run(_ algorithm: CongestionControl.Algorithm = .bbr) -> Result {
        var forth = SimulatedLink.Properties(
            bytesPerSecond: Self.rate,
            queue: Int(queue * Self.product),
            delay: Self.roundTrip / 2
        )
        var back = SimulatedLink.Properties(
            bytesPerSecond: Self.rate,
            queue: Int(Self.product),
            delay: Self.roundTrip / 2
        )
        change(&forth)
        changeBack(&back)
        let network = SimulatedNetwork(
            seed: seed,
            forth: forth,
            back: back,
            flows.isEmpty ? [Flow(algorithm: algorithm)] : flows
        )
        var (arrivals, waits): ([Double], [Double]) = ([], [])
        func arrived() -> [Int] { network.transfers.map { $0.receiver.arrivedCount } }
        func run(until end: Double) {
            while Double(network.now.nanoseconds) < end * 1e9 {
                let before = arrived().reduce(0, +)
                network.run(until: network.now + 50_000_000)
                let payload = Double((arrived().reduce(0, +) - before) * SimulatedEnd.payload)
                arrivals.append(payload / 0.05 / (Self.rate * Self.share))
                waits.append(Double(network.bottleneck.wait(now: network.now)) / 1e6)
            }
        }
        run(until: from)
        let (start, link) = (arrived(), network.bottleneck)
        network.resetLongestWait()
        run(until: to)
        let end = network.bottleneck
        let (passed, dropped) = (end.passed - link.passed, end.dropped - link.dropped)
        return Result(
            goodput: zip(arrived(), start).map {
                Double(($0 - $1) * SimulatedEnd.payload) / (to - from) / (lastRate * Self.share)
            },
            queue: Double(end.waited - link.waited) / Double(max(1, passed)) / 1e6,
            longestQueue: Double(end.longestWait) / 1e6,
            dropped: Double(dropped) / Double(max(1, passed + dropped)),
            arrivals: arrivals,
            waits: waits,
            violation: network.transfers.compactMap { $0.violation }.first
        )
    }
}
