internal import NetworkProtocol

/// The parts of a measurement, each on an open connection.
enum Bench {
    /// Bytes of the small messages.
    static let smallLength = 64

    /// How long one small request may take on an idle connection.
    private static let patience = Duration.seconds(10)

    /// The first round trip.
    static func greet(_ connection: Connection) async throws(ConnectionError) {
        _ = try await connection.request(BenchService.echo, timeout: patience)
    }

    /// Round trips of a request with 64 bytes, one at a time; sorted.
    static func latency(_ connection: Connection, for time: Duration) async throws -> [Duration] {
        let payload = [UInt8](repeating: 0x5a, count: smallLength)
        // On the connection's event loop: the link is measured, not thread switches.
        return try await withTaskExecutorPreference(connection.executor) {
            let clock = ContinuousClock()
            var samples: [Duration] = []
            samples.reserveCapacity(1 << 20)
            let end = clock.now + time
            while true {
                let start = clock.now
                if start >= end { break }
                let reply = try await connection.request(BenchService.echo, payload, timeout: patience)
                samples.append(clock.now - start)
                guard reply == payload else { throw BenchFailure("an echo came back changed") }
            }
            return samples.sorted()
        }
    }

    /// Echoes of 64 bytes a second, as many at once as the connection takes.
    static func rate(_ connection: Connection, for time: Duration) async throws -> Double {
        let text = String(repeating: "z", count: smallLength)
        let clock = ContinuousClock()
        let start = clock.now
        async let received: Int = withTaskExecutorPreference(connection.executor) {
            var count = 0
            while let message = try await connection.receive() {
                switch message {
                case .echo(text): count += 1
                case .echo("end"): return count
                default: throw BenchFailure("\(message.name) came where an echo was expected")
                }
            }
            throw BenchFailure("the daemon closed the connection")
        }
        try await withTaskExecutorPreference(connection.executor) {
            let message = OutgoingMessage.echo(text)
            var sent = 0
            while sent % 64 != 0 || clock.now - start < time {
                try await connection.send(message)
                sent += 1
            }
            try await connection.send(.echo("end"))
        }
        let count = try await received
        return Double(count) / ((clock.now - start) / .seconds(1))
    }

    /// Bits a second that the daemon received in data messages of 64 KiB.
    static func upload(_ connection: Connection, for time: Duration) async throws -> Double {
        let clock = ContinuousClock()
        let message = OutgoingMessage.data([UInt8](repeating: 0x5a, count: BenchService.bulkLength))
        let before = try await count(connection)
        let start = clock.now
        while clock.now - start < time { try await connection.send(message) }
        let sent = clock.now
        // After the last of them: a connection's messages are handled in order, requests beside them.
        _ = try await connection.request(BenchService.echo, [])
        var after = try await count(connection)
        while true {
            let now = try await count(connection)
            if now == after { break }
            after = now
        }
        let elapsed = max(sent - start, .milliseconds(1))
        return Double(after - before) * 8 / (elapsed / .seconds(1))
    }

    /// Bits a second that arrived in data messages of 64 KiB.
    static func download(_ connection: Connection, for time: Duration) async throws -> Double {
        let milliseconds = UInt64(time / .milliseconds(1))
        let clock = ContinuousClock()
        let start = clock.now
        async let total = connection.request(
            BenchService.source,
            Numbers.bytes(milliseconds),
            timeout: time + .seconds(30)
        )
        let reader = Task {
            var bytes: UInt64 = 0
            while let message = try await connection.receive() {
                guard case .data(let data) = message else { continue }
                bytes += UInt64(data.count)
            }
            return bytes
        }
        guard let sent = Numbers.value(try await total) else { throw BenchFailure("the daemon's count cannot be read") }
        let elapsed = clock.now - start
        reader.cancel()
        return Double(sent) * 8 / (elapsed / .seconds(1))
    }

    private static func count(_ connection: Connection) async throws -> UInt64 {
        guard let count = Numbers.value(try await connection.request(BenchService.received)) else {
            throw BenchFailure("the daemon's count cannot be read")
        }
        return count
    }
}

/// A measurement without a result.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
