internal import LinkMeasurement
internal import PacketIO
internal import SystemErrors

/// The client's half of a native throughput test over the reflector's port for this test.
struct DirectNativeClient: Sendable {
    /// Seconds beyond the test's length for bytes in transit.
    private static let slack: Int64 = 3
    /// Seconds for all connections of a test together.
    private static let connectSeconds: Int64 = 10

    let grant: SessionGrant
    let params: SessionParameters
    let meters: ClientMeters

    /// Connects every stream, then starts all of them, and returns when all have ended.
    /// - Returns: the client's half, the processor seconds of the busiest thread, and the stream that ended long before
    ///   its time, if one did.
    func run(host: String) async throws -> (ThroughputResult, busiestThread: Double?, cut: CutStream?) {
        guard let host = InternetHost(host), let port = UInt16(exactly: grant.port),
            let token = AccessToken(hex: grant.token)
        else { throw LinkClientError.unexpected("a grant that cannot be used") }
        let target = InternetAddress(host, port: port)
        let count = grant.streams ?? params.streams ?? 1
        let streams = DirectStreams(up: meters.up, down: meters.down)
        let begin = KernelClock.monotonic
        do {
            try await connect(count, to: target, token: token, streams)
        } catch {
            streams.stop()
            _ = await streams.finish()
            throw error
        }
        let retransmits = await withTaskCancellationHandler {
            await streams.finish()
        } onCancel: {
            streams.stop()
        }
        try Task.checkCancellation()
        var result = meters.result(engine: .native, mode: .directEphemeral, streams: count)
        for index in result.directions.indices where result.directions[index].direction == .up {
            result.directions[index].retransmits = retransmits[.up]
        }
        return (result, streams.busiestThread, StreamEnd.cut(streams.ends(since: begin), asked: params.durationSec))
    }

    /// Connects one stream after the other and starts each. Throws if one cannot be connected, if the time for all of
    /// them is over, or if the task is canceled; a connection in progress is then closed once it is established.
    private func connect(
        _ count: Int,
        to target: InternetAddress,
        token: AccessToken,
        _ streams: DirectStreams
    ) async throws {
        let deadline = KernelClock.monotonic + Self.connectSeconds * 1_000_000_000
        // Ends without a value if all are connected, and if the task that reads it is canceled.
        let (failures, report) = AsyncStream.makeStream(of: SystemError?.self)
        // Connecting blocks, so it has a thread, which no one awaits.
        _ = try WorkThread("connect") {
            defer { report.finish() }
            do throws(SystemError) {
                // When all senders stop, whichever was connected first.
                var end: Int64?
                for index in 0..<count {
                    for direction in params.directions {
                        if case .terminated = report.yield(nil) { return }
                        let left = max(0, deadline - KernelClock.monotonic)
                        let socket = try Socket.connectTCP(target, timeout: left)
                        let common = end ?? KernelClock.monotonic + Int64(params.durationSec) * 1_000_000_000
                        end = common
                        try start(socket, direction, UInt8(clamping: index), token, streams, until: common)
                    }
                }
            } catch {
                report.yield(error)
            }
        }
        for await case let failure? in failures {
            throw LinkClientError.unreachable(
                address: target.description,
                reason: "\(failure); is the test's port open?"
            )
        }
        try Task.checkCancellation()
    }

    private func start(
        _ socket: consuming SocketDescriptor,
        _ direction: StreamDirection,
        _ index: UInt8,
        _ token: AccessToken,
        _ streams: DirectStreams,
        until end: Int64
    ) throws(SystemError) {
        let wire: StreamPreface.Direction = direction == .up ? .up : .down
        try StreamPreface(direction: wire, index: index, token: token).send(on: socket)
        let now = KernelClock.monotonic
        let seconds = Int64(params.durationSec)
        switch direction {
        case .up:
            let limits = ByteStreamLimits(deadline: end)
            let rate = params.bytesPerSecond(ofEachOf: grant.streams ?? params.streams ?? 1).map(UInt64.init)
            try streams.source(socket, .up, limits, maximumBytesPerSecond: rate)
        case .down:
            let limits = ByteStreamLimits(
                deadline: now + (seconds + Self.slack) * 1_000_000_000,
                window: seconds * 1_000_000_000
            )
            try streams.sink(socket, .down, limits)
        }
    }
}
