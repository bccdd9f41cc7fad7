import Foundation
import Identity
import Testing

@testable import Reflector

/// A disk that stands still for a while, under tests that move bytes.
@Suite("Slow books", .timeLimit(.minutes(3)), .serialized)
struct SlowBooksTests {
    private static let kinds: [(ThroughputEngine, DataMode, Bool)] = [
        (.native, .tunneled, false), (.native, .tunneled, true), (.native, .directEphemeral, false),
        (.iperf3, .tunneled, true),
    ]

    @Test(
        "while the books do not answer a test moves no more than they hold, and then goes on",
        arguments: kinds
    )
    func standsStill(engine: ThroughputEngine, mode: DataMode, isReverse: Bool) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = mode
            // Soon spent, also by a slow machine: SQLite waits 5 s for another writer.
            $0.quotas.instalment = 32 << 20
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { _ in }
            let client = try await reflector.connect(key)
            let params = SessionParameters(durationSec: 60, streams: 2, reverse: isReverse, engine: engine)
            let (seconds, continuation) = AsyncStream.makeStream(of: Int.self)
            let test = Task {
                defer { continuation.finish() }
                _ = try await examiner.throughput(params) {
                    continuation.yield(Int($0.upBitsPerSecond + $0.downBitsPerSecond) / 8)
                }
            }
            var bytes = seconds.makeAsyncIterator()
            let granted = try await reflector.audit(.sessionGranted, count: 1)[0]
            let testID = try #require(granted["test_id"] as? String)
            while try #require(await bytes.next(), "the test ended") == 0 {}
            let books = try HeldBooks(of: key.endpointID, folder: reflector.folder)
            if engine == .native, mode == .tunneled {
                // Answers after the seconds that it waits for the end of a running test.
                let result = try await client.result(of: testID)
                let moved = result.bytesUp + result.bytesDown
                #expect(result.state == .running)
                #expect(moved <= books.charged, "\(moved) bytes moved, \(books.charged) are in the books")
            }
            // It stands still for a second at least.
            while try #require(await bytes.next(), "the test ended") > 0 {}
            books.release()
            var moved = 0
            while moved <= 64 << 20 { moved += try #require(await bytes.next(), "the test ended") }
            test.cancel()
            await #expect(throws: CancellationError.self) { try await test.value }
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            let direction = isReverse ? "bytes_sent" : "bytes_received"
            #expect(try #require(completed[direction] as? Int) > books.charged)
            await examiner.close()
            await client.close()
        }
    }
}

/// The reflector's database, locked by another writer until it is released.
private final class HeldBooks: Sendable {
    /// What the books say that the peer has used.
    let charged: Int
    private let end = DispatchSemaphore(value: 0)

    init(of peer: EndpointID, folder: String) throws {
        let accounts = AccountStore(database: try StateDatabase.open(inFolder: folder))
        let (held, end) = (Held(), end)
        Thread.detachNewThread {
            // Inside its transaction; what it throws takes it back.
            _ = try? accounts.begin(
                testID: "",
                peer: peer.description,
                type: .udpEcho,
                now: Int64(Date().timeIntervalSince1970 * 1_000),
                running: []
            ) { (usage) throws(SessionDeny) in
                held.charged = usage.bytesToday
                held.ready.signal()
                end.wait()
                throw SessionDeny(reason: .busy, message: "", retryAfterSec: nil)
            }
            held.ready.signal()
        }
        held.ready.wait()
        charged = held.charged
    }

    deinit { end.signal() }

    func release() { end.signal() }

    /// Handed over by the semaphore.
    private final class Held: @unchecked Sendable {
        let ready = DispatchSemaphore(value: 0)
        var charged = 0
    }
}
