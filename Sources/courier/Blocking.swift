internal import PacketIO

/// Runs what blocks in the kernel on a thread of its own.
enum Blocking {
    /// - Parameter wakeUp: signaled when the calling task is canceled.
    static func run<Value: Sendable>(
        _ name: String,
        cancelingWith wakeUp: WakeUp,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let thread = try WorkThread(name) { Result { try body() } }
        return try await withTaskCancellationHandler {
            try await thread.value.get()
        } onCancel: {
            wakeUp.signal()
        }
    }
}
