/// Requests of 64 bytes, a fixed number in flight.
struct Requests {
    let inFlight: Int
    let seconds: Int

    private struct WrongEcho: Error {}

    func run(_ link: some EchoLink) async throws {
        let clock = ContinuousClock()
        // So that the connection stands and its code has run.
        _ = try await samples(link, until: clock.now + .milliseconds(300))
        let start = clock.now
        let samples = try await samples(link, until: start + .seconds(seconds)).sorted()
        let wall = (clock.now - start) / .seconds(1)
        func microseconds(_ share: Double) -> Double {
            samples[min(samples.count - 1, Int(Double(samples.count) * share))] / .microseconds(1)
        }
        say(
            """
            {"requests_per_second": \(Double(samples.count) / wall), "p50_us": \(microseconds(0.5)), \
            "p99_us": \(microseconds(0.99))}
            """
        )
    }

    private func samples(_ link: some EchoLink, until end: ContinuousClock.Instant) async throws -> [Duration] {
        try await withThrowingTaskGroup(of: [Duration].self) { group in
            for _ in 0..<inFlight {
                group.addTask {
                    let clock = ContinuousClock()
                    let payload = [UInt8](repeating: 0x5a, count: 64)
                    var samples: [Duration] = []
                    samples.reserveCapacity(1 << 16)
                    while true {
                        let start = clock.now
                        guard start < end else { return samples }
                        guard try await link.echo(payload).count == payload.count else { throw WrongEcho() }
                        samples.append(clock.now - start)
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}
