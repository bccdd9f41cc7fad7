@testable import FileTransfer

extension PathScenario {
    /// Seconds.
    static let dropTime = 8.03

    static func clean(queue: Double) -> PathScenario { PathScenario(name: "clean, queue \(queue) BDP", queue: queue) }

    static func loss(_ share: Double, queue: Double = 1, burst: Int = 1, seed: UInt64 = 1) -> PathScenario {
        PathScenario(
            name: "\(share * 100) % loss" + (burst > 1 ? " in runs of \(burst)" : "") + ", queue \(queue) BDP",
            queue: queue,
            change: {
                $0.loss = share
                $0.burst = burst
            },
            seed: seed
        )
    }

    static let reordering = PathScenario(
        name: "2 % held up by up to 10 ms",
        change: {
            $0.reordering = 0.02
            $0.holdUp = 10_000_000
        }
    )

    static func drop(queue: Double, to share: Double = 0.5) -> PathScenario {
        PathScenario(
            name: "from \(Int(100)) to \(Int(100 * share)) Mbit/s, queue \(queue) BDP",
            queue: queue,
            change: {
                $0.laterBytesPerSecond = rate * share
                $0.changesAt = .milliseconds(dropTime * 1_000)
            },
            from: dropTime,
            to: 18,
            lastRate: rate * share
        )
    }

    static func rise(queue: Double) -> PathScenario {
        PathScenario(
            name: "from 25 to 100 Mbit/s, queue \(queue) BDP",
            queue: queue,
            change: {
                $0.bytesPerSecond = rate / 4
                $0.laterBytesPerSecond = rate
                $0.changesAt = .milliseconds(dropTime * 1_000)
            },
            from: dropTime + 4,
            to: 20
        )
    }

    static let aggregation = PathScenario(
        name: "ACKs come together every 20 ms",
        changeBack: { $0.aggregation = 20_000_000 }
    )

    /// An application that sends for 700 ms and pauses for 300.
    static func pauses(_ algorithm: CongestionControl.Algorithm) -> PathScenario {
        PathScenario(
            name: "sends 700 of 1000 ms",
            flows: [Flow(algorithm: algorithm, activity: .init(on: 700_000_000, off: 300_000_000))]
        )
    }

    static let single: [PathScenario] =
        [0.1, 1, 10].map { clean(queue: $0) }
        + [0.01, 0.05].flatMap { share in [0.1, 1, 10].map { loss(share, queue: $0) } }
        + [loss(0.01, burst: 8), reordering, aggregation]
        + [0.1, 1, 10].map { drop(queue: $0) } + [0.1, 1, 10].map { rise(queue: $0) }

    static func share(
        _ first: CongestionControl.Algorithm,
        _ second: CongestionControl.Algorithm,
        queue: Double,
        later: Double = 0.013,
        from: Double = 10,
        to: Double = 40
    ) -> PathScenario {
        PathScenario(
            name: "\(first), \(second) \(later) s later, queue \(queue) BDP",
            queue: queue,
            flows: [
                Flow(algorithm: first),
                Flow(algorithm: second, activity: .init(start: .milliseconds(later * 1_000))),
            ],
            from: from,
            to: to
        )
    }

    static let shared: [PathScenario] =
        [0.1, 1, 10].map { share(.bbr, .bbr, queue: $0) }
        + [0.1, 1, 10].map { share(.bbr, .bbr, queue: $0, later: 5, from: 15) }
        + [0.1, 1, 2, 10].map { share(.bbr, .cubic, queue: $0) }
        + [0.1, 1, 2, 10].map { share(.cubic, .bbr, queue: $0, later: 5, from: 15) }
        + [0.1, 1, 10].map { share(.cubic, .cubic, queue: $0) }
        + [pauses(.cubic), pauses(.bbr)]
}
