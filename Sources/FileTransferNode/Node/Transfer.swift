internal import FileTransfer
public import Identity
internal import PacketIO
internal import Synchronization

/// Files on their way from or to a peer.
public final class Transfer: Sendable, Identifiable {
    private struct State {
        var progress = TransferProgress(bytes: 0, total: 0, moved: 0)
        /// When bytes were first there, and last.
        var start: Int64?
        var last: Int64 = 0
        /// The ends of the last whole second, with the bytes that had moved.
        var window: (from: (time: Int64, moved: UInt64), to: (time: Int64, moved: UInt64))?
        var result: Result<TransferResult, NodeError>?
        var waiters: [CheckedContinuation<Result<TransferResult, NodeError>, Never>] = []
    }

    private static let windowLength: Int64 = 1_000_000_000

    /// Unique in its node.
    public let id: UInt64
    public let peer: EndpointID
    let control: TransferControl
    /// Ends what waits for a handshake; nil for what arrives.
    private let wakeUp: WakeUp?
    private let state: Mutex<State>

    init(id: UInt64, peer: EndpointID, control: TransferControl, wakeUp: WakeUp?, total: UInt64) {
        self.id = id
        self.peer = peer
        self.control = control
        self.wakeUp = wakeUp
        state = Mutex(State(progress: TransferProgress(bytes: 0, total: total, moved: 0)))
    }

    // MARK: How far it is

    /// Bytes that are at the receiver, those from an earlier transfer among them.
    public var progress: UInt64 { state.withLock { $0.progress.bytes } }
    /// Bytes of all files.
    public var totalSize: UInt64 { state.withLock { $0.progress.total } }
    /// Bytes a second, in the last second; until there is one, in all.
    public var rate: Double { state.withLock { Self.rate($0) } }
    /// How long the rest takes at the present ``rate``; nil while that is 0.
    public var timeLeft: Duration? {
        state.withLock { state in
            let rate = Self.rate(state)
            guard rate > 0 else { return nil }
            let rest = Double(state.progress.total - min(state.progress.total, state.progress.bytes))
            // A century; a longer time is no forecast.
            return .seconds(min(rest / rate, 3e9))
        }
    }

    private static func rate(_ state: State) -> Double {
        if let window = state.window {
            // Nothing is noted while nothing moves.
            let end = max(window.to.time, KernelClock.monotonic - windowLength)
            return Double(window.to.moved - window.from.moved) * 1e9 / Double(max(1, end - window.from.time))
        }
        guard let start = state.start, state.last > start else { return 0 }
        return Double(state.progress.moved) * 1e9 / Double(state.last - start)
    }

    func note(_ progress: TransferProgress) {
        state.withLock { state in
            state.progress = progress
            guard progress.bytes > 0 || progress.total == 0 else { return }
            let now = KernelClock.monotonic
            state.last = now
            let start = state.start ?? now
            state.start = start
            let from = state.window?.to ?? (time: start, moved: 0)
            if now - from.time >= Self.windowLength { state.window = (from, (now, progress.moved)) }
        }
    }

    // MARK: Its end

    /// Waits until the receiver has verified all files, or said why not.
    ///
    /// A file that failed alone is in the result; the transfer succeeds.
    public func completion() async throws(NodeError) -> TransferResult {
        let result = await withCheckedContinuation { continuation in
            let result = state.withLock { state in
                if state.result == nil { state.waiters.append(continuation) }
                return state.result
            }
            if let result { continuation.resume(returning: result) }
        }
        return try result.get()
    }

    func end(_ outcome: Result<TransferOutcome, any Error>) {
        let (result, waiters) = state.withLock { state in
            let duration = Duration.nanoseconds(state.start.map { state.last - $0 } ?? 0)
            let result: Result<TransferResult, NodeError> =
                switch outcome {
                case .success(let outcome): .success(TransferResult(outcome, duration: duration))
                case .failure(let error): .failure(NodeError(error))
                }
            state.result = state.result ?? result
            defer { state.waiters = [] }
            return (state.result ?? result, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }

    // MARK: Control

    /// Ends it. What has arrived is kept by the receiver, and a later transfer continues there.
    public func cancel() {
        control.cancel()
        wakeUp?.signal()
    }

    /// Moves no more bytes until ``resume()``. The session stays open. A receiver has admitted up to 16 MiB before,
    /// which may still arrive.
    public func pause() { control.pause() }

    public func resume() { control.resume() }
}
