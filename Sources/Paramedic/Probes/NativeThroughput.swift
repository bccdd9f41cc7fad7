package import LinkMeasurement
internal import NIOCore
package import NIOSSL
internal import Synchronization

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

    /// The direction of every stream.
    private var directions: [StreamDirection] {
        let streams = grant.streams ?? params.streams ?? 1
        return params.directions.flatMap { Array(repeating: $0, count: streams) }
    }

    /// Connects every stream, then starts all of them; throws if it is canceled. When the time of each is over,
    /// `settle` is called with the stream that ended too early, if one did. Then all are closed, whatever is still in
    /// transit: on a slow link that takes seconds.
    func run<Result: Sendable>(_ settle: (CutStream?) async throws -> Result) async throws -> Result {
        let directions = directions
        let clients = try await connect(directions.count)
        let channels = clients.map(\.channel)
        defer { for channel in channels { AbruptClose.close(channel) } }
        let ends = channels.map { channel in
            let end = channel.eventLoop.makePromise(of: Void.self)
            channel.closeFuture.cascade(to: end)
            return end
        }
        let over = ends.map { end in end.futureResult.map { NIODeadline.now() } }
        let begin = NIODeadline.now()
        let common = SharedDeadline(after: .seconds(Int64(params.durationSec)))
        try await withThrowingTaskGroup { group in
            for (client, (direction, end)) in zip(clients, zip(directions, ends)) {
                group.addTask { try await start(client, direction, end, common) }
            }
            try await group.waitForAll()
        }
        let limit = Task {
            try await Task.sleep(for: .seconds(params.durationSec + Self.patience))
            for channel in channels { AbruptClose.close(channel) }
        }
        defer { limit.cancel() }
        let times = await withTaskCancellationHandler {
            var times: [NIODeadline] = []
            // A missing end, if the channel could not be closed in order, counts as now.
            for end in over { times.append((try? await end.get()) ?? .now()) }
            return times
        } onCancel: {
            for channel in channels { AbruptClose.close(channel) }
        }
        // Streams that were cut are no result.
        try Task.checkCancellation()
        return try await settle(cut(times, since: begin))
    }

    private func cut(_ times: [NIODeadline], since begin: NIODeadline) -> CutStream? {
        let count = max(1, grant.streams ?? params.streams ?? 1)
        let ends = zip(directions, times).enumerated().map { index, stream in
            StreamEnd(
                direction: stream.0,
                number: index % count + 1,
                count: count,
                afterSec: Double((stream.1 - begin).nanoseconds) / 1e9
            )
        }
        return StreamEnd.cut(ends, asked: params.durationSec)
    }

    /// All the connections, or none: if one fails, the others are closed.
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

    private func start(
        _ client: LinkClient,
        _ direction: StreamDirection,
        _ end: EventLoopPromise<Void>,
        _ common: SharedDeadline
    ) async throws {
        let open = TunnelOpen(testID: grant.testID, token: grant.token, direction: direction)
        let meters = meters
        let rate = params.bytesPerSecond(ofEachOf: grant.streams ?? params.streams ?? 1)
        try await client.open(open) { channel in
            try TunnelBuffers.tune(channel)
            switch direction {
            case .up:
                try channel.pipeline.syncOperations.addHandler(
                    ByteSourceHandler(
                        duration: common.left(),
                        bytesPerSecond: rate,
                        meter: TunnelMeter(counting: meters.up),
                        // What a reflector sends up its own stream is no result of the test.
                        strays: TunnelMeter(counting: FlowMeter(seconds: 1)),
                        onOver: { end.succeed() }
                    )
                )
            case .down:
                try channel.pipeline.syncOperations.addHandler(
                    WireMeter(meters.down, rate == nil ? .fullRecords : .anyRecords),
                    position: .first
                )
                try channel.pipeline.syncOperations.addHandler(ByteSinkHandler(TunnelMeter(counting: meters.down)))
            }
        }
    }
}

/// When all senders stop: what the last of them sent after the others would be outside of the measurement, which ends
/// when the time of the first is over.
private final class SharedDeadline: Sendable {
    private let duration: TimeAmount
    private let end = Mutex<NIODeadline?>(nil)

    init(after duration: TimeAmount) { self.duration = duration }

    /// The time for a stream that starts now.
    func left() -> TimeAmount {
        let now = NIODeadline.now()
        return end.withLock { end in
            let common = end ?? now + duration
            end = common
            return max(common - now, .nanoseconds(0))
        }
    }
}

/// The client's counts of a throughput test, readable while it runs.
package struct ClientMeters: Sendable {
    package let up: FlowMeter
    package let down: FlowMeter

    package init(seconds: Int) {
        up = FlowMeter(seconds: seconds)
        down = FlowMeter(seconds: seconds)
    }

    /// The client's half of the result.
    package func result(
        engine: ThroughputEngine,
        mode: DataMode,
        streams: Int
    ) -> ThroughputResult {
        var directions: [ThroughputDirection] = []
        let (up, down) = (up.sent(), down.received(at: NIODeadline.now().uptimeNanoseconds))
        if self.up.wasOpened {
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
        if self.down.wasOpened {
            directions.append(
                ThroughputDirection(
                    direction: .down,
                    bytesReceived: down.bytes,
                    durationSec: down.seconds,
                    bitsPerSecondReceived: down.bitsPerSecond ?? 0,
                    silentSinceSec: down.silentSinceSec,
                    intervals: down.intervals
                )
            )
        }
        return ThroughputResult(
            engine: engine,
            transport: .tcp,
            mode: mode,
            streams: streams,
            directions: directions
        )
    }
}
