internal import PacketIO

/// The client's half of a native throughput test over the endpoint's port for this test.
struct DirectNativeClient: Sendable {
    /// Seconds beyond the test's length for bytes that are under way.
    private static let slack: Int64 = 3

    let grant: SessionGrant
    let params: SessionParameters
    let meters: ClientMeters

    private var directions: [StreamPreface.Direction] {
        if params.bidirectional == true { return [.up, .down] }
        return [params.reverse == true ? .down : .up]
    }

    /// Connects every stream, then starts all of them, and returns when all have ended.
    func run(host: String) async throws -> ThroughputResult {
        guard let host = InternetHost(host), let port = UInt16(exactly: grant.port),
            let token = AccessToken(hex: grant.token)
        else { throw LinkClientError.unexpected("a grant that cannot be used") }
        let target = InternetAddress(host, port: port)
        let count = grant.streams ?? params.streams ?? 1
        let streams = DirectStreams(up: meters.up, down: meters.down)
        let wanted = directions
        let seconds = Int64(params.durationSec)
        let rate = params.bytesPerSecond(ofEachOf: count).map(UInt64.init)
        // Connecting blocks, so it has a thread.
        let connecting = try WorkThread("connect") { () -> SystemError? in
            do throws(SystemError) {
                for index in 0..<count {
                    for direction in wanted {
                        let socket = try Socket.connectTCP(target)
                        let preface = StreamPreface(direction: direction, index: UInt8(clamping: index), token: token)
                        try preface.send(on: socket)
                        let now = KernelClock.monotonic
                        switch direction {
                        case .up:
                            let limits = ByteStreamLimits(deadline: now + seconds * 1_000_000_000)
                            try streams.source(socket, .up, limits, maximumBytesPerSecond: rate)
                        case .down:
                            let limits = ByteStreamLimits(deadline: now + (seconds + Self.slack) * 1_000_000_000)
                            try streams.sink(socket, .down, limits)
                        }
                    }
                }
                return nil
            } catch {
                return error
            }
        }
        if let failure = await connecting.value {
            streams.stop()
            _ = await streams.finish()
            throw LinkClientError.unreachable(
                address: target.description,
                reason: "\(failure.message); is the test's port open?"
            )
        }
        let retransmits = await withTaskCancellationHandler {
            await streams.finish()
        } onCancel: {
            streams.stop()
        }
        try Task.checkCancellation()
        var result = meters.result(engine: .native, mode: .directEphemeral, streams: count, cpu: nil)
        for index in result.directions.indices where result.directions[index].direction == .up {
            result.directions[index].retransmits = retransmits[.up]
        }
        return result
    }
}
