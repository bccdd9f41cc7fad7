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

        /// When its first bytes came, and how many; nil before, and for what is sent.
        var first: (time: Int64, bytes: UInt64)? {
            if case .sink(let sink, _) = self { sink.first } else { nil }
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
        /// Seconds of processor of the stream's thread that used most.
        var busiestThread: Double?
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
        meter(direction).opened()
        meter(direction).mark(at: UInt64(KernelClock.monotonic))
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
        meter(direction).opened()
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
        var retransmits: [StreamDirection: Int] = [:]
        var ends: [(direction: StreamDirection, totals: ByteTotals, isSource: Bool)] = []
        for (direction, stream) in streams {
            let totals = await stream.totals
            if case .source = stream {
                retransmits[direction, default: 0] += Int(totals.retransmits)
                ends.append((direction, totals, true))
            } else {
                ends.append((direction, totals, false))
            }
        }
        sampler?.cancel()
        await sampler?.value
        settle(ends)
        return retransmits
    }

    /// Seconds of processor of the thread that used most, of those that have ended.
    var busiestThread: Double? { state.withLock { $0.busiestThread } }

    /// Counts what came since the last sample, and tells which streams their sender ended.
    private func settle(_ ends: [(direction: StreamDirection, totals: ByteTotals, isSource: Bool)]) {
        let busiest = ends.map { Double($0.totals.processorTime) / 1e9 }.max()
        state.withLock { $0.busiestThread = busiest }
        for direction in StreamDirection.allCases {
            let meter = meter(direction)
            let ended = ends.filter { $0.direction == direction }
            guard let last = ended.map(\.totals.lastByte).max(), let end = ended.map(\.totals.endedAt).max() else {
                continue
            }
            begin(direction)
            meter.raise(to: ended.reduce(0) { $0 + Int(clamping: $1.totals.bytes) }, at: UInt64(clamping: last))
            for stream in ended {
                switch stream.totals.end {
                // A sink that reached the end of its time has not seen the end of the stream.
                case .deadline where !stream.isSource: break
                default: meter.ended(at: UInt64(clamping: end))
                }
            }
            if ended.contains(where: \.isSource) { meter.mark(at: UInt64(clamping: end)) }
        }
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

    /// The count of what is received begins with the first bytes of its first stream.
    private func begin(_ direction: StreamDirection) {
        let meter = meter(direction)
        guard !meter.hasBegun else { return }
        let firsts = state.withLock { $0.streams.filter { $0.direction == direction }.compactMap { $0.stream.first } }
        guard let first = firsts.min(by: { $0.time < $1.time }) else { return }
        meter.raise(to: Int(clamping: first.bytes), at: UInt64(clamping: first.time))
    }

    private func sample() {
        let now = UInt64(KernelClock.monotonic)
        let streams = state.withLock { $0.streams }
        for direction in StreamDirection.allCases {
            begin(direction)
            let bytes = streams.filter { $0.direction == direction }.reduce(0) { $0 + Int(clamping: $1.stream.bytes) }
            // A stream that came while others were waited for has a sampler of its own beside theirs.
            meter(direction).raise(to: bytes, at: now)
        }
    }
}
