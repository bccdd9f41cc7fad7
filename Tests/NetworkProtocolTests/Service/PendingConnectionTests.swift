import Dispatch
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import NetworkProtocol

@Suite(.timeLimit(.minutes(2))) struct `A connection that is being made` {
    @Test func `tells whoever waits that it was closed before its own attempt learns that it was cancelled`() async {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let told = DispatchSemaphore(value: 0)
        let wasToldBefore = Mutex(false)
        let pending = PendingConnection("connecting") { () throws(ConnectionError) in
            await withTaskCancellationHandler {
                begin.yield()
                do { try await Task.sleep(for: .seconds(3_600)) } catch {}
            } onCancel: {
                let isTold = told.wait(timeout: .now() + .seconds(20)) == .success
                wasToldBefore.withLock { $0 = isTold }
            }
            throw .cancelled
        }
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let waiting = Task {
            defer { told.signal() }
            return try await pending.value(until: nil, on: eventLoop)
        }
        for await _ in begun { break }
        pending.cancel()
        await #expect(throws: ConnectionError.closed) { _ = try await waiting.value }
        #expect(wasToldBefore.withLock { $0 })
        await pending.ended()
    }
}
