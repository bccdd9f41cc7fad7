internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// The streams of a direct native test at one end, each on a thread of its own. Their counters are sampled into the
/// test's meters while it runs.
final class DirectStreams: Sendable {
    /// How often the counters are read, for the rate by second.
    private static let sampling = Duration.milliseconds(100)

    private enum Stream: Sendable {
        case source(ByteSource, WorkThread<ByteTotals>)
        case sink(ByteSink, WorkThread<ByteTotals>)

        var bytes: UInt64 {
            switch self {
            case .source(let source, _): source.bytes
            case .sink(let sink, _): sink.bytes
            }
        }

        var totals: ByteTotals {
            get async {
                switch self {
                case .source(_, let thread), .sink(_, let thread): await thread.value
                }
            }
        }

        func stop() {
            switch self {
            case .source(let source, _): source.stop()
            case .sink(let sink, _): sink.stop()
            }
        }
    }

    private struct State {
        var streams: [(direction: StreamDirection, stream: Stream)] = []
        var isStopped = false
        var sampler: Task<Void, Never>?
    }

    private let up: FlowMeter
    private let down: FlowMeter
    private let state = Mutex(State())

    init(up: FlowMeter, down: FlowMeter) {
        self.up = up
        self.down = down
    }

    /// Starts sending on a connection; what it moved, when it has ended.
    @discardableResult
    func source(
        _ socket: consuming SocketDescriptor,
        _ direction: StreamDirection,
        _ limits: ByteStreamLimits,
        maximumBytesPerSecond: UInt64? = nil
    ) throws(SystemError) -> WorkThread<ByteTotals> {
        let source = try ByteSource(socket, until: limits, maximumBytesPerSecond: maximumBytesPerSecond)
        meter(direction).record(0, at: UInt64(KernelClock.monotonic))
        let thread = try source.start()
        add(.source(source, thread), direction)
        return thread
    }

    /// Starts receiving on a connection; what it moved, when it has ended.
    @discardableResult
    func sink(
        _ socket: consuming SocketDescriptor,
        _ direction: StreamDirection,
        _ limits: ByteStreamLimits
    ) throws(SystemError) -> WorkThread<ByteTotals> {
        let sink = ByteSink(socket, until: limits)
        meter(direction).record(0, at: UInt64(KernelClock.monotonic))
        let thread = try sink.start()
        add(.sink(sink, thread), direction)
        return thread
    }

    /// Ends every stream at once, and every later one.
    func stop() {
        let streams = state.withLock { state in
            state.isStopped = true
            return state.streams.map(\.stream)
        }
        for stream in streams { stream.stop() }
    }

    /// Waits for every stream's end and brings the meters to the exact figures; returns the segments sent again.
    func finish() async -> [StreamDirection: Int] {
        let (streams, sampler) = state.withLock { state in
            defer { state.sampler = nil }
            return (state.streams, state.sampler)
        }
        var bytes: [StreamDirection: UInt64] = [:]
        var last: [StreamDirection: UInt64] = [:]
        var retransmits: [StreamDirection: Int] = [:]
        for (direction, stream) in streams {
            let totals = await stream.totals
            bytes[direction, default: 0] += totals.bytes
            last[direction] = max(last[direction] ?? 0, UInt64(clamping: totals.lastByte))
            if case .source = stream { retransmits[direction, default: 0] += Int(totals.retransmits) }
        }
        sampler?.cancel()
        await sampler?.value
        for (direction, count) in bytes where count > 0 {
            meter(direction).settle(bytes: Int(clamping: count), last: last[direction] ?? 0)
        }
        return retransmits
    }

    private func meter(_ direction: StreamDirection) -> FlowMeter { direction == .up ? up : down }

    private func add(_ stream: Stream, _ direction: StreamDirection) {
        let isLate = state.withLock { state in
            state.streams.append((direction, stream))
            if state.sampler == nil, !state.isStopped {
                state.sampler = Task { [weak self] in
                    while !Task.isCancelled {
                        do { try await Task.sleep(for: Self.sampling) } catch { return }
                        self?.sample()
                    }
                }
            }
            return state.isStopped
        }
        if isLate { stream.stop() }
    }

    private func sample() {
        let now = UInt64(KernelClock.monotonic)
        let streams = state.withLock { $0.streams }
        for direction in StreamDirection.allCases {
            let bytes = streams.filter { $0.direction == direction }.reduce(0) { $0 + Int(clamping: $1.stream.bytes) }
            let meter = meter(direction)
            let fresh = bytes - meter.bytes
            if fresh > 0 { meter.record(fresh, at: now) }
        }
    }
}
