internal import Identity
internal import NIOCore
internal import NIOEmbedded
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

/// Waiting for a test's streams, which may outlast the patience.
@Suite("Draining", .timeLimit(.minutes(1)))
struct DrainingTests {
    private static func session() -> LiveSession {
        LiveSession(
            admission: Admission(
                testID: "t",
                params: SessionParameters(durationSec: 60, streams: 1, reverse: true, engine: .native),
                charged: 1 << 30,
                installment: 1 << 30
            ),
            peer: IdentityKey().endpointID,
            peerAddress: "127.0.0.1",
            owner: .next(),
            type: .throughput,
            mode: .tunneled,
            onRefill: { _ in },
            onSpent: { _ in }
        )
    }

    @Test(
        arguments: [.zero, .nanoseconds(1)] as [Duration]
    )
    func `a patience that ends at once ends, although the streams go on`(patience: Duration) async throws {
        let channel = NIOAsyncTestingChannel()
        let session = Self.session()
        #expect(session.openTunnel(channel, wish: .down) == .down)
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<20_000 { await session.drained(within: patience) } }
            }
        }
        try await channel.close()
    }

    @Test func `the end of the last stream resumes every waiter, and a timeout only its own`() async throws {
        let channel = NIOAsyncTestingChannel()
        let session = Self.session()
        #expect(session.openTunnel(channel, wish: .down) == .down)
        let begin = ContinuousClock.now
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    await session.drained(within: .seconds(30))
                    return true
                }
            }
            group.addTask {
                await session.drained(within: .milliseconds(50))
                return false
            }
            #expect(await group.next() == false)
            try? await channel.close()
            for await waited in group { #expect(waited) }
        }
        #expect(ContinuousClock.now - begin < .seconds(30))
    }

    @Test func `an event before its waiter looks is not missed`() async {
        await Waiters.wait(atMost: .seconds(50)) { $0.finish() }
        var waiters = Waiters()
        await Waiters.wait(atMost: .seconds(50)) { waiter in
            let place = waiters.add(waiter)
            waiters.release()
            waiters.remove(place)
        }
    }
}
