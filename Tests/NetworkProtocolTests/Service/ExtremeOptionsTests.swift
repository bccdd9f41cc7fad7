internal import NIOCore
internal import Testing

@testable import NetworkProtocol

/// Options at the limits of their types: programs write "forever" and "no limit" as the greatest value.
@Suite("Options at the ends of their range", .timeLimit(.minutes(5)))
struct ExtremeOptionsTests {
    @Test(arguments: [Int.min, -1, 0, 1, Int.max])
    func `numbers at the ends of their range let a daemon serve`(_ number: Int) async throws {
        try await TestDaemon.with(
            .sealedTCP,
            .forTests,
            {
                $0.connection.channelCapacity = number
                $0.connection.maximumPayloadLength = number
                $0.connection.missedHeartbeats = number
                if number > 0 { $0.maximumConnections = number }
            }
        ) { daemon in
            let client = try await daemon.connect(.sealedTCP) {
                $0.connection.channelCapacity = number
                $0.connection.maximumPayloadLength = number
                $0.connection.missedHeartbeats = number
            }
            _ = try await client.ping()
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            try await client.send(.data([1]))
            let echoed = try await client.receive()
            #expect(echoed != nil)
            await client.close()
        }
    }

    @Test func `no limit on requests for each connection of a pool is none`() async throws {
        try await TestDaemon.with(.unix) { daemon in
            var options = ConnectionPoolOptions()
            options.maximumConnections = .max
            options.maximumRequestsPerConnection = .max
            options.maximumIdleConnections = .max
            let pool = ConnectionPool(to: daemon.ends.destination(.unix, port: 0), options: options)
            let reply = try await pool.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await pool.close()
        }
    }

    @Test func `the longest durations are as good as no limit`() async throws {
        let forEver = Duration.seconds(Int64.max)
        try await TestDaemon.with(
            .sealedTCP,
            .forTests,
            {
                $0.connection.handshakeTimeout = forEver
                $0.connection.heartbeatInterval = forEver
                $0.connection.missedHeartbeats = .max
                $0.connection.stallTimeout = forEver
                $0.shutdownTimeout = forEver
            }
        ) { daemon in
            let client = try await daemon.connect(.sealedTCP) {
                $0.connectTimeout = forEver
                $0.sendTimeout = forEver
                $0.responseTimeout = forEver
                $0.connection.heartbeatInterval = forEver
                $0.connection.missedHeartbeats = .max
                $0.connection.stallTimeout = forEver
                $0.reconnect = .init(attempts: .max, delay: forEver, maximumDelay: forEver)
            }
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            daemon.daemon.shutDown()
            try await daemon.running.value
            await client.close()
        }
    }

    @Test func `pauses before connecting again stay below the longest`() {
        var generator = SystemRandomNumberGenerator()
        for delay in [Duration.zero, .seconds(-1), .seconds(1), .seconds(Int64.max)] {
            for longest in [Duration.zero, .seconds(3), .seconds(Int64.max)] {
                let reconnect = ClientOptions.Reconnect(attempts: 1_000, delay: delay, maximumDelay: longest)
                for attempt in [0, 1, 2, 21, 999] {
                    let pause = reconnect.pause(before: attempt, using: &generator)
                    #expect(pause <= longest && pause >= .zero)
                }
            }
        }
    }
}
