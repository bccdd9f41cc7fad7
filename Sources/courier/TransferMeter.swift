internal import FileTransfer
internal import FileTransferNode
internal import Operations
internal import PacketIO
internal import Synchronization

/// The progress of a transfer on standard error, the time that it took, and what limited it. For one thread at a time:
/// the one that moves the packets.
final class TransferMeter: Sendable {
    /// A moment of a transfer, for rates between two of them.
    private struct Mark {
        let time: Int64
        /// Of this thread.
        let processorTime: Int64
        let progress: TransferProgress

        init(_ progress: TransferProgress) {
            time = KernelClock.monotonic
            processorTime = KernelClock.threadProcessorTime
            self.progress = progress
        }
    }

    private struct State {
        var line = ProgressLine(on: .of(2, environment: [:]))
        var start: Mark?
        var last: Int64 = 0
        /// The ends of the last whole second.
        var window: (from: Mark, to: Mark)?
        var end: Mark?
    }

    private static let windowLength: Int64 = 1_000_000_000
    private let state = Mutex(State())

    /// Notes how far the transfer is, and shows it.
    func show(_ progress: TransferProgress) {
        note(progress)
        state.withLock { state in
            guard state.start != nil else { return }
            let noted = state
            state.line.show(Self.text(progress, noted))
        }
    }

    /// Notes how far the transfer is.
    func note(_ progress: TransferProgress) {
        state.withLock { state in
            // Before, the receiver's user may think about it.
            guard progress.bytes > 0 || progress.total == 0 else { return }
            let start = state.start ?? Mark(progress)
            state.start = start
            state.last = KernelClock.monotonic
            if progress.bytes == progress.total && state.end == nil { state.end = Mark(progress) }
            let from = state.window?.to ?? start
            if state.last - from.time >= Self.windowLength { state.window = (from, Mark(progress)) }
        }
    }

    /// How far a transfer is that was noted.
    func text(_ progress: TransferProgress) -> String { state.withLock { Self.text(progress, $0) } }

    /// Bytes a second: of the last second; until there is one, of all.
    func rate(_ progress: TransferProgress) -> Double { state.withLock { Self.rate(progress, $0) } }

    private static func text(_ progress: TransferProgress, _ state: State) -> String {
        let percent = progress.total > 0 ? Double(progress.bytes) * 100 / Double(progress.total) : 100
        var parts = [
            "\(Quantity.whole(percent)) %",
            "\(Quantity.bytes(Double(progress.bytes))) of \(Quantity.bytes(Double(progress.total)))",
        ]
        let rate = rate(progress, state)
        parts.append(Quantity.rate(rate * 8))
        if rate > 0, progress.bytes < progress.total, seconds(state) > 1 {
            parts.append("\(Quantity.seconds(Double(progress.total - progress.bytes) / rate)) left")
        }
        if let window = state.window, let limit = Self.limit(window.from, window.to) {
            parts.append("limited by \(limit)")
        }
        return parts.joined(separator: "  ")
    }

    private static func rate(_ progress: TransferProgress, _ state: State) -> Double {
        if let window = state.window { return bytesPerSecond(window) }
        guard let start = state.start, seconds(state) > 0 else { return 0 }
        return Double(progress.moved - min(progress.moved, start.progress.moved)) / seconds(state)
    }

    private static func seconds(_ state: State) -> Double {
        state.start.map { Double(state.last - $0.time) / 1e9 } ?? 0
    }

    private static func bytesPerSecond(_ window: (from: Mark, to: Mark)) -> Double {
        let moved = window.to.progress.moved - min(window.to.progress.moved, window.from.progress.moved)
        return Double(moved) / (Double(window.to.time - window.from.time) / 1e9)
    }

    func clear() { state.withLock { $0.line.clear() } }

    /// From the first bytes to the last.
    var seconds: Double { state.withLock { Self.seconds($0) } }

    // MARK: What limits

    /// Shares of the time between two moments, by what they were spent with; the sum is 1.
    private static func shares(_ from: Mark, _ to: Mark) -> [(name: String, share: Double)] {
        guard let before = from.progress.evidence?.limits, let after = to.progress.evidence?.limits else { return [] }
        let (limits, unlimited) = after.shares(since: before)
        // While nothing limits, this thread computes, or waits for the disk in a system call.
        let processor = min(
            unlimited,
            Double(to.processorTime - from.processorTime) / Double(max(1, to.time - from.time))
        )
        return limits.map { (name($0), $1) } + [
            ("this machine's processor", processor), ("this machine's disk", unlimited - processor),
        ]
    }

    private static func name(_ limit: SendLimits.Limit) -> String {
        switch limit {
        case .path: "the path"
        case .receiver: "the receiver"
        case .source: "nothing to send yet"
        case .rate: "--limit-rate"
        }
    }

    /// What took most of the time; nil if nothing took half of it.
    private static func limit(_ from: Mark, _ to: Mark) -> String? {
        shares(from, to).first { $0.share >= 0.5 }?.name
    }

    /// Lines for `--explain`: how the time from the first byte to the last was spent, and what is known of the path.
    var explanation: [String] {
        state.withLock { state in
            guard let start = state.start, let end = state.end, let evidence = end.progress.evidence else { return [] }
            let shares = Self.shares(start, end).sorted { $0.share > $1.share }
            let spent = shares.filter { $0.share >= 0.005 }.map { "\($0.name) \(Quantity.whole($0.share * 100)) %" }
            let lost = evidence.sentPackets > 0 ? Double(evidence.lostPackets) * 100 / Double(evidence.sentPackets) : 0
            return [
                "limited by: \(spent.joined(separator: ", "))",
                "path: round trip \(Quantity.milliseconds(Double(evidence.roundTrip) / 1e6)), "
                    + "\(Quantity.milliseconds(Double(evidence.leastRoundTrip) / 1e6)) at least; datagrams of "
                    + "\(evidence.datagramSize) bytes; \(evidence.sentPackets) packets sent, \(evidence.lostPackets) lost "
                    + "(\(Quantity.percent(lost))); \(evidence.congestion.rawValue)",
                "this thread: \(Quantity.whole(Double(end.processorTime - start.processorTime) * 100 / Double(max(1, end.time - start.time)))) % of a processor",
            ]
        }
    }
}
