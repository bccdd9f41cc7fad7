import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import NetworkProtocol

/// Whoever waits for room, for a reply or for a message: until when, and what it costs.
@Suite(.timeLimit(.minutes(1))) struct `Whoever waits` {
    @Test func `for room waits no longer than it may, however short that is`() async throws {
        var options = ConnectionOptions()
        options.channelCapacity = 1
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let outbox = Outbox(options: options, metrics: ConnectionMetrics(role: "client"), eventLoop: loop) {}
        try outbox.sendNow(.ping)
        // The time is over before, while and after the sender begins to wait.
        for round in 0..<3_000 {
            let error = await #expect(throws: ConnectionError.self) {
                try await outbox.send(.echo(""), timeout: .microseconds(round % 60))
            }
            try #require(error == .timedOut(what: "waiting for room to send Echo"))
        }
    }
}
