internal import Foundation
internal import GRDB
internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector
@testable import Storage

/// A disk that stands still for a while, under tests that move bytes.
@Suite("A slow database", .timeLimit(.minutes(3)), .serialized)
struct SlowBooksTests {
    private static let kinds: [(ThroughputEngine, DataMode, Bool)] = [
        (.native, .tunneled, false), (.native, .tunneled, true), (.native, .directEphemeral, false),
        (.iperf3, .tunneled, true),
    ]

    @Test(
        arguments: kinds
    )
    func `while the books do not answer a test moves no more than they hold, and then goes on`(
        engine: ThroughputEngine,
        mode: DataMode,
        isReverse: Bool
    ) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = mode
            // Soon spent, also by a slow machine: SQLite waits 5 s for another writer.
            $0.quotas.installment = 32 << 20
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

    /// Runs a native tunneled test upwards; gives `body` its bytes second by second, its id, and the reflector.
    private static func uploading(
        _ body: (TestReflector, String, AsyncStream<Int>, _ test: Task<Void, any Error>) async throws -> Void
    ) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = .tunneled
            $0.quotas.installment = 32 << 20
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { _ in }
            let params = SessionParameters(durationSec: 60, streams: 2, engine: .native)
            let (seconds, continuation) = AsyncStream.makeStream(of: Int.self)
            let test = Task {
                defer { continuation.finish() }
                _ = try await examiner.throughput(params) { continuation.yield(Int($0.upBitsPerSecond) / 8) }
            }
            let granted = try await reflector.audit(.sessionGranted, count: 1)[0]
            let testID = try #require(granted["test_id"] as? String)
            while try await Self.next(seconds) == 0 {}
            try await body(reflector, testID, seconds, test)
            test.cancel()
            _ = try? await test.value
            await examiner.close()
        }
    }

    private static func next(_ seconds: AsyncStream<Int>) async throws -> Int {
        for await bytes in seconds { return bytes }
        throw TestFailure("the test ended")
    }

    @Test func `books that are busy for longer than a decision waits are no failure of a running test`() async throws {
        try await Self.uploading { reflector, _, bytes, _ in
            let books = try HeldBooks(of: IdentityKey().endpointID, folder: reflector.folder)
            try await Task.sleep(for: BusyDatabase.patience + .seconds(1))
            #expect(try reflector.audit(.sessionCompleted).isEmpty)
            books.release()
            var moved = 0
            while moved <= 64 << 20 { moved += try await Self.next(bytes) }
        }
    }

    @Test func `a test that ends while the books are busy is settled when they are not, before the next one begins`()
        async throws
    {
        try await Self.uploading { reflector, testID, _, test in
            let books = try HeldBooks(of: IdentityKey().endpointID, folder: reflector.folder)
            test.cancel()
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            let received = try #require(completed["bytes_received"] as? Int)
            let database = try ReflectorDatabase.open(inFolder: reflector.folder)
            let ended = "SELECT bytes FROM test WHERE test_id = ? AND ended_at IS NOT NULL"
            let read = { () async throws -> Int? in
                try await database.read { try Int.fetchOne($0, sql: ended, arguments: [testID]) }
            }
            #expect(try await read() == nil)
            books.release()
            #expect(try await eventually("the test is settled") { try await read() } == received)
        }
    }

    @Test func `books that fail in another way end a running test, and the log says how`() async throws {
        try await Self.uploading { reflector, _, _, _ in
            let database = try ReflectorDatabase.open(inFolder: reflector.folder)
            try await database.write { try $0.execute(sql: "ALTER TABLE test RENAME TO elsewhere") }
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["reason"] as? String == "engine_failed")
            try await database.write { try $0.execute(sql: "ALTER TABLE elsewhere RENAME TO test") }
        }
    }
}

/// The reflector's database, locked by another writer until it is released.
private final class HeldBooks: Sendable {
    /// What the books say that the peer has used.
    let charged: Int
    private let end = DispatchSemaphore(value: 0)

    init(of peer: EndpointID, folder: String) throws {
        let accounts = AccountStore(database: try ReflectorDatabase.open(inFolder: folder))
        let (held, end) = (Held(), end)
        Thread.detachNewThread {
            // Inside its transaction; what it throws takes it back. The server itself may be writing just now.
            var isHeld = false
            while !isHeld {
                do {
                    _ = try accounts.begin(
                        testID: "",
                        peer: peer.description,
                        type: .udpEcho,
                        now: Int64(Date().timeIntervalSince1970 * 1_000),
                        running: []
                    ) { (usage) throws(SessionDeny) in
                        isHeld = true
                        held.charged = usage.bytesToday
                        held.ready.signal()
                        end.wait()
                        throw SessionDeny(reason: .busy, message: "", retryAfterSec: nil)
                    }
                } catch  where BusyDatabase.isBusy(error) {
                    usleep(1_000)
                } catch { break }
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
