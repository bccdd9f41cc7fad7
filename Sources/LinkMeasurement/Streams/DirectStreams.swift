package import PacketIO
internal import Synchronization
package import SystemErrors

/// The streams of a direct native test at one end, each on a thread of its own. Their counters are sampled into the
/// test's meters while it runs.
package final class DirectStreams: Sendable {
    private enum Stream: Sendable {
        case source(ByteSource, WorkThread<ByteTotals>)
        case sink(ByteSink, WorkThread<ByteTotals>)

        var bytes: UInt64 {
            switch self {
            case .source(let source, _): source.bytes
            case .sink(let sink, _): sink.bytes
            }
        }

        /// What the kernel has received for it; nil for a sent stream.
        var received: ReceivedSegments? {
            if case .sink(let sink, _) = self { sink.received } else { nil }
        }

        /// When its first bytes arrived, and how many; nil before, and for a sent stream.
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

    /// A stream, and what was reported of it to the meter.
    private struct Sampled {
        let direction: StreamDirection
        let stream: Stream
        var flow: SampledStream

        var isSource: Bool { if case .source = stream { true } else { false } }
    }

    private struct State {
        var streams: [Sampled] = []
        var isStopped = false
        /// Processor seconds of the stream's busiest thread.
        var busiestThread: Double?
        /// When each ended stream ended, in their order.
        var ends: [(direction: StreamDirection, at: Int64)] = []
        var sampler: Task<Void, Never>?
    }

    private let up: FlowMeter
    private let down: FlowMeter
    private let state = Mutex(State())

    package init(up: FlowMeter, down: FlowMeter) {
        self.up = up
        self.down = down
    }

    /// Starts sending on a connection; returns what it moved, when it has ended.
    @discardableResult
    package func source(
        _ socket: consuming SocketDescriptor,
        _ direction: StreamDirection,
        _ limits: ByteStreamLimits,
        maximumBytesPerSecond: UInt64? = nil
    ) throws(SystemError) -> WorkThread<ByteTotals> {
        let source = try ByteSource(socket, until: limits, maximumBytesPerSecond: maximumBytesPerSecond)
        meter(direction).opened(.arrivals(nil))
        let now = UInt64(KernelClock.monotonic)
        meter(direction).mark(at: now)
        let thread = try source.start()
        add(
            Sampled(
                direction: direction,
                stream: .source(source, thread),
                flow: SampledStream(from: nil, until: now)
            )
        )
        return thread
    }

    /// Starts receiving on a connection; returns what it moved, when it has ended.
    @discardableResult
    package func sink(
        _ socket: consuming SocketDescriptor,
        _ direction: StreamDirection,
        _ limits: ByteStreamLimits
    ) throws(SystemError) -> WorkThread<ByteTotals> {
        let sink = ByteSink(socket, until: limits)
        meter(direction).opened(.arrivals(nil))
        let start = sink.received
        let thread = try sink.start()
        add(Sampled(direction: direction, stream: .sink(sink, thread), flow: SampledStream(from: start)))
        return thread
    }

    /// Ends every stream at once, and every later one.
    package func stop() {
        let streams = state.withLock { state in
            state.isStopped = true
            return state.streams.map(\.stream)
        }
        for stream in streams { stream.stop() }
    }

    /// Waits for the end of every stream and brings the meters to the exact figures; returns the retransmitted
    /// segments.
    package func finish() async -> [StreamDirection: Int] {
        let (streams, sampler) = state.withLock { state in
            defer { state.sampler = nil }
            return (state.streams, state.sampler)
        }
        var retransmits: [StreamDirection: Int] = [:]
        var ends: [ByteTotals] = []
        for sampled in streams {
            let totals = await sampled.stream.totals
            ends.append(totals)
            if sampled.isSource { retransmits[sampled.direction, default: 0] += Int(totals.retransmits) }
        }
        sampler?.cancel()
        await sampler?.value
        settle(streams, ends)
        return retransmits
    }

    /// Processor seconds of the busiest thread that has ended.
    package var busiestThread: Double? { state.withLock { $0.busiestThread } }

    /// When each stream ended, once all have.
    package func ends(since begin: Int64) -> [StreamEnd] {
        let ends = state.withLock { $0.ends }
        var numbers: [StreamDirection: Int] = [:]
        return ends.map { end in
            numbers[end.direction, default: 0] += 1
            return StreamEnd(
                direction: end.direction,
                number: numbers[end.direction, default: 0],
                count: ends.count { $0.direction == end.direction },
                afterSec: Double(end.at - begin) / 1e9
            )
        }
    }

    /// Counts what arrived since the last sample, and reports which streams their sender ended.
    private func settle(_ streams: [Sampled], _ ends: [ByteTotals]) {
        let busiest = ends.map { Double($0.processorTime) / 1e9 }.max()
        state.withLock { state in
            state.busiestThread = busiest
            state.ends = zip(streams, ends).map { ($0.0.direction, $0.1.endedAt) }
        }
        sample { index in index < ends.count ? ends[index] : nil }
        for direction in StreamDirection.allCases {
            let meter = meter(direction)
            let ended = zip(streams, ends).filter { $0.0.direction == direction }
            guard let end = ended.map(\.1.endedAt).max() else { continue }
            for (sampled, totals) in ended {
                switch totals.end {
                // A sink that reached the end of its time has not seen the end of the stream.
                case .deadline where !sampled.isSource: break
                default: meter.ended(at: UInt64(clamping: end))
                }
            }
            if ended.contains(where: \.0.isSource) { meter.mark(at: UInt64(clamping: end)) }
        }
    }

    private func meter(_ direction: StreamDirection) -> FlowMeter { direction == .up ? up : down }

    private func add(_ sampled: Sampled) {
        let isLate = state.withLock { state in
            state.streams.append(sampled)
            if state.sampler == nil, !state.isStopped {
                state.sampler = Task { [weak self] in
                    while !Task.isCancelled, let pause = self?.pause {
                        do { try await Task.sleep(for: .nanoseconds(pause)) } catch { return }
                        self?.sample { _ in nil }
                        self?.expire()
                    }
                }
            }
            return state.isStopped
        }
        if isLate { sampled.stream.stop() }
    }

    /// Until the next sample: set by the slowest stream and the end of the measurement.
    private var pause: UInt64? {
        let now = UInt64(KernelClock.monotonic)
        let left = [up, down].compactMap { $0.left(at: now) }.filter { $0 > 0 }.min()
        return state.withLock { $0.streams.map(\.flow.pause).min() }.map { min($0, left ?? $0) }
    }

    /// Ends what is still being received when the measurement is over. A stream ends by itself when its own time is
    /// over, which is later if its first bytes were lost.
    private func expire() {
        let now = UInt64(KernelClock.monotonic)
        let over = StreamDirection.allCases.filter { meter($0).left(at: now) == 0 }
        guard !over.isEmpty else { return }
        for sampled in state.withLock({ $0.streams }) where over.contains(sampled.direction) {
            if case .sink(let sink, _) = sampled.stream { sink.expire() }
        }
    }

    /// Reports to the meters what has moved since the last time, separately for each stream, so that two samplers count
    /// nothing twice.
    /// - Parameter ends: the totals of a stream that has ended, by its index.
    private func sample(_ ends: (Int) -> ByteTotals?) {
        state.withLock { state in
            begin(&state.streams)
            var bytes: [StreamDirection: Int] = [:]
            for index in state.streams.indices {
                let (stream, direction) = (state.streams[index].stream, state.streams[index].direction)
                let end = ends(index)
                let read = Int(clamping: end?.bytes ?? stream.bytes)
                bytes[direction, default: 0] += read
                let now = UInt64(clamping: end?.movedUntil ?? KernelClock.monotonic)
                let received = end == nil ? stream.received : end?.received
                state.streams[index].flow.look(read: read, received, at: now, in: meter(direction))
            }
            for (direction, bytes) in bytes { meter(direction).raise(to: bytes) }
        }
    }

    /// The count of received bytes starts with the first bytes of the first stream.
    private func begin(_ streams: inout [Sampled]) {
        let firsts = streams.indices.compactMap { index in
            streams[index].flow.until == nil ? streams[index].stream.first.map { (index, $0) } : nil
        }
        for (index, first) in firsts.sorted(by: { $0.1.time < $1.1.time }) {
            let time = UInt64(clamping: first.time)
            streams[index].flow.begin(read: Int(clamping: first.bytes), at: time, in: meter(streams[index].direction))
        }
    }
}

extension ByteTotals {
    /// Until when bytes counted: what is held back counts at the end.
    fileprivate var movedUntil: Int64 { received == nil ? lastByte : endedAt }
}
