internal import NIOCore
package import NIOSSL

/// The client's half of a native throughput test through tunnels.
package struct NativeThroughput: Sendable {
    /// Seconds beyond the test's length until a stream that does not end is cut.
    private static let patience = 5

    let address: ReflectorAddress
    let context: NIOSSLContext
    let grant: SessionGrant
    let params: SessionParameters
    package let meters: ClientMeters

    package init(
        address: ReflectorAddress,
        context: NIOSSLContext,
        grant: SessionGrant,
        params: SessionParameters,
        meters: ClientMeters
    ) {
        self.address = address
        self.context = context
        self.grant = grant
        self.params = params
        self.meters = meters
    }

    /// That of every stream.
    private var directions: [StreamDirection] {
        let streams = grant.streams ?? params.streams ?? 1
        return params.directions.flatMap { Array(repeating: $0, count: streams) }
    }

    /// Connects every stream, then starts all of them, and returns when all have ended; throws when it is cancelled.
    package func run() async throws {
        let directions = directions
        let clients = try await connect(directions.count)
        let channels = clients.map(\.channel)
        defer { for channel in channels { channel.close(promise: nil) } }
        try await withThrowingTaskGroup { group in
            for (client, direction) in zip(clients, directions) {
                group.addTask { try await start(client, direction) }
            }
            try await group.waitForAll()
        }
        let limit = Task {
            try await Task.sleep(for: .seconds(params.durationSec + Self.patience))
            for channel in channels { channel.close(promise: nil) }
        }
        defer { limit.cancel() }
        await withTaskCancellationHandler {
            for channel in channels { try? await channel.closeFuture.get() }
        } onCancel: {
            for channel in channels { channel.close(promise: nil) }
        }
        // Streams that were cut are no result.
        try Task.checkCancellation()
    }

    /// All the connections, or none: when one fails the others are closed.
    private func connect(_ count: Int) async throws -> [LinkClient] {
        let attempts = await withTaskGroup { group in
            for _ in 0..<count {
                group.addTask { () -> Result<LinkClient, any Error> in
                    do {
                        return .success(try await LinkClient.connect(to: address, context: context, forBulk: true))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        do {
            return try attempts.map { try $0.get() }
        } catch {
            for case .success(let client) in attempts { await client.close() }
            throw error
        }
    }

    private func start(_ client: LinkClient, _ direction: StreamDirection) async throws {
        let open = TunnelOpen(testID: grant.testID, token: grant.token, direction: direction)
        let (meters, seconds) = (meters, params.durationSec)
        let rate = params.bytesPerSecond(ofEachOf: grant.streams ?? params.streams ?? 1)
        try await client.open(open) { channel in
            try TunnelBuffers.tune(channel)
            switch direction {
            case .up:
                try channel.pipeline.syncOperations.addHandler(
                    ByteSourceHandler(
                        duration: .seconds(Int64(seconds)),
                        bytesPerSecond: rate,
                        meter: meters.up.tunnelMeter,
                        // What a reflector sends up its own stream is no result of the test.
                        strays: TunnelMeter { _ in }
                    )
                )
            case .down:
                try channel.pipeline.syncOperations.addHandler(ByteSinkHandler(meters.down.tunnelMeter))
            }
        }
    }
}

extension FlowMeter {
    /// Counts what a tunnel moves; nothing holds a client back.
    var tunnelMeter: TunnelMeter {
        TunnelMeter { self.record($0, at: NIODeadline.now().uptimeNanoseconds) }
    }
}

/// The client's counts of a throughput test, readable while it runs.
package struct ClientMeters: Sendable {
    package let up: FlowMeter
    package let down: FlowMeter

    package init(seconds: Int) {
        up = FlowMeter(seconds: seconds + 5)
        down = FlowMeter(seconds: seconds + 5)
    }

    /// The client's half of the result.
    package func result(
        engine: ThroughputEngine,
        mode: DataMode,
        streams: Int,
        cpu: CPUTime?
    ) -> ThroughputResult {
        var directions: [ThroughputDirection] = []
        let (up, down) = (up.read(), down.read())
        if up.bytes > 0 {
            directions.append(
                ThroughputDirection(
                    direction: .up,
                    bytesSent: up.bytes,
                    durationSec: up.seconds,
                    bitsPerSecondSent: up.bitsPerSecond,
                    intervals: up.intervals
                )
            )
        }
        if down.bytes > 0 {
            directions.append(
                ThroughputDirection(
                    direction: .down,
                    bytesReceived: down.bytes,
                    durationSec: down.seconds,
                    bitsPerSecondReceived: down.bitsPerSecond,
                    intervals: down.intervals
                )
            )
        }
        let seconds = max(up.seconds, down.seconds)
        return ThroughputResult(
            engine: engine,
            transport: .tcp,
            mode: mode,
            streams: streams,
            directions: directions,
            clientCPUPercent: seconds > 0 ? cpu.map { $0.seconds / seconds * 100 } : nil
        )
    }
}
