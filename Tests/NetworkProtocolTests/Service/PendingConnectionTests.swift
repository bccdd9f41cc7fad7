internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

@Suite("A connection that is being made", .timeLimit(.minutes(2)))
struct PendingConnectionTests {
    @Test
    func
        `a connection that is being made tells callers that it was closed before its own attempt learns that it was canceled`()
        async
    {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let attempt = Mutex<PendingConnection?>(nil)
        let wasDecided = Mutex(false)
        let pending = PendingConnection("connecting") { () throws(ConnectionError) in
            await withTaskCancellationHandler {
                begin.yield()
                do { try await Task.sleep(for: .seconds(3_600)) } catch {}
            } onCancel: {
                // During the call that cancels: the waiting task's result is decided by now.
                let isDecided = attempt.withLock { $0 }?.isDecided == true
                wasDecided.withLock { $0 = isDecided }
            }
            throw .cancelled
        }
        attempt.withLock { $0 = pending }
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let waiting = Task { try await pending.value(until: nil, on: eventLoop) }
        for await _ in begun { break }
        pending.cancel()
        await #expect(throws: ConnectionError.closed) { _ = try await waiting.value }
        #expect(wasDecided.withLock { $0 })
        await pending.ended()
        attempt.withLock { $0 = nil }
    }
}
