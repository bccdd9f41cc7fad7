internal import NIOCore

extension Waiter {
    /// Waits until `deadline` at most; `eventLoop` rings then.
    ///
    /// - Parameters:
    ///   - deadline: nil for as long as it takes.
    ///   - late: called once the deadline has passed, from any thread; as `giveUp`.
    func value(
        until deadline: NIODeadline?,
        on eventLoop: any EventLoop,
        late: @escaping @Sendable () -> Void,
        giveUp: @escaping @Sendable () -> Void
    ) async throws(Failure) -> Value {
        guard let deadline else { return try await value(giveUp: giveUp) }
        // It may ring before the task waits: what it says then is kept.
        let alarm = eventLoop.scheduleTask(deadline: deadline, late)
        defer { alarm.cancel() }
        return try await value(giveUp: giveUp)
    }
}

/// What is waited for on a connection.
typealias ConnectionWaiter<Value: Sendable> = Waiter<Value, ConnectionError>
