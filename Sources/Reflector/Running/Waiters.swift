/// The waiters for one event, each with a timeout.
struct Waiters {
    private var waiting: [UInt64: AsyncStream<Never>.Continuation] = [:]
    private var last: UInt64 = 0

    /// - Returns: the argument of ``remove(_:)``.
    mutating func add(_ waiter: AsyncStream<Never>.Continuation) -> UInt64 {
        last += 1
        waiting[last] = waiter
        return last
    }

    mutating func remove(_ id: UInt64?) {
        if let id { waiting[id] = nil }
    }

    /// The event has happened.
    mutating func release() {
        for waiter in waiting.values { waiter.finish() }
        waiting = [:]
    }

    /// Returns when the waiter passed to `enter` is finished, before or after it was registered, and at the latest
    /// after `patience`.
    static func wait(
        atMost patience: Duration,
        isolation: isolated (any Actor)? = #isolation,
        _ enter: (AsyncStream<Never>.Continuation) -> Void
    ) async {
        guard patience > .zero else { return }
        let (isOver, waiter) = AsyncStream.makeStream(of: Never.self)
        enter(waiter)
        let limit = Task {
            try await Task.sleep(for: patience)
            waiter.finish()
        }
        for await _ in isOver {}
        limit.cancel()
    }
}
