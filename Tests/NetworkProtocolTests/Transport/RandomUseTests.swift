internal import Foundation
internal import NIOCore
internal import NetworkProtocolTestSupport
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// Connections that are used, canceled and closed at random: every wait ends, in order, and with the right answer.
///
/// RANDOM_USE_ROUNDS is the number of connections, RANDOM_USE_SEED the first seed.
@Suite("A connection that is used at random", .timeLimit(.minutes(8)))
struct RandomUseTests {
    @Test func `a connection that is used at random ends all that waits, answers what it answers rightly and in order`()
        async throws
    {
        let environment = ProcessInfo.processInfo.environment
        let rounds = environment["RANDOM_USE_ROUNDS"].flatMap { Int($0) } ?? 40
        let seed = environment["RANDOM_USE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
        var dice = SplitMix64(seed: seed)
        for round in 0..<max(1, rounds / 8) {
            let state = dice.state
            let transport = TestTransport.allCases.randomElement(using: &dice) ?? .unix
            let capacity = [1, 1, 2, 4, 32].randomElement(using: &dice) ?? 1
            let compression = Use.compression(&dice)
            var dispatcher = Dispatcher()
            dispatcher.onCommand("reverse") { payload, _ in payload.reversed() }
            dispatcher.onCommandInline("inline") { payload, _ in payload.reversed() }
            dispatcher.onCommand("slow") { payload, _ in
                try await Task.sleep(for: .milliseconds(Int(payload.first ?? 0) % 20))
                return payload.reversed()
            }
            dispatcher.onData { bytes, context in
                guard bytes == Use.endWord else { return .data(bytes) }
                Task { await context.connection.close() }
                return nil
            }
            try await TestDaemon.with(
                transport,
                dispatcher,
                {
                    $0.connection.channelCapacity = capacity
                    $0.connection.compression = compression
                    $0.shutdownTimeout = .seconds(10)
                }
            ) { daemon in
                // A cut connection may belong to any test.
                let isRough = dice.next() % 2 == 0
                let uses = (0..<8).map { _ in Use(&dice, isRough: isRough) }
                let isDone = Flag()
                let watch = Task {
                    try await Task.sleep(for: .seconds(60))
                    guard !isDone.isSet else { return }
                    Issue.record("seed \(state), round \(round), \(transport): still waits for \(uses.map(\.waiting))")
                    // This ends everything.
                    daemon.running.cancel()
                }
                await withTaskGroup(of: Void.self) { group in
                    for use in uses {
                        group.addTask {
                            do { try await use.run(daemon, transport) } catch {
                                Issue.record("seed \(state): \(error)")
                            }
                        }
                    }
                }
                if dice.next() % 2 == 0 {
                    daemon.daemon.shutDown()
                    try await daemon.running.value
                }
                isDone.set()
                watch.cancel()
            }
        }
    }
}

/// The uses of one connection.
private final class Use: Sendable {
    enum Ending: CaseIterable { case close, drop, daemonCloses, cutByDaemon, cutByClient, cancelled }

    /// Makes the daemon close the connection.
    static let endWord: [UInt8] = [255]

    private let seed: UInt64
    private let isRough: Bool
    private let names = Mutex<[String: Int]>([:])
    var waiting: [String: Int] { names.withLock { $0.filter { $0.value > 0 } } }

    init(_ dice: inout SplitMix64, isRough: Bool) {
        seed = dice.next()
        self.isRough = isRough
    }

    static func compression(_ dice: inout SplitMix64) -> ConnectionOptions.Compression? {
        [nil, .init(.lz4, threshold: 0), .init(.zstd, threshold: 100)].randomElement(using: &dice) ?? nil
    }

    private static func isLate(_ error: ConnectionError) -> Bool {
        error.underlying.code == .timedOut
    }

    private func doing<Value>(_ name: String, _ body: () async throws -> Value) async rethrows -> Value {
        names.withLock { $0[name, default: 0] += 1 }
        defer { names.withLock { $0[name, default: 0] -= 1 } }
        return try await body()
    }

    func run(_ daemon: TestDaemon, _ transport: TestTransport) async throws {
        var dice = SplitMix64(seed: seed)
        let capacity = [1, 1, 2, 4, 32].randomElement(using: &dice) ?? 1
        let compression = Use.compression(&dice)
        let format = MessageFormat.allCases.randomElement(using: &dice) ?? .bincode
        var client: Client? = try? await doing("connect") {
            try await daemon.connect(transport) {
                $0.connection.channelCapacity = capacity
                $0.connection.compression = compression
                $0.connection.format = format
            }
        }
        guard let connection = try? await client?.connection() else { return }
        var tasks: [Task<Void, any Error>] = []
        func payload(_ limit: Int) -> [UInt8] {
            let count =
                dice.next() % 4 == 0 ? Int.random(in: 0..<limit, using: &dice) : Int.random(in: 0..<300, using: &dice)
            let first = UInt8.random(in: 0...20, using: &dice)
            return (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7 &+ Int(first)) }
        }
        for index in 0..<12 {
            let command = ["reverse", "inline", "slow"].randomElement(using: &dice) ?? ""
            let payloads = (0..<6).map { _ in payload(60_000) }
            let timeout = Duration.microseconds(
                [3_000_000_0, 3_000_000_0, 500, 10_000].randomElement(using: &dice) ?? 0
            )
            tasks.append(
                Task { [self] in
                    for payload in payloads {
                        do {
                            let reply = try await doing("request \(index) \(command) \(payload.count)") {
                                try await connection.request(command, payload, timeout: timeout)
                            }
                            let isRight = reply == payload.reversed()
                            #expect(isRight, "seed \(seed)")
                        } catch let error as ConnectionError where Use.isLate(error) {
                            #expect(timeout < .seconds(1) || isRough, "seed \(seed)")
                        }
                    }
                }
            )
        }
        let pings = Task { [self] in
            for _ in 0..<20 { _ = try await doing("ping") { try await connection.ping() } }
        }
        tasks.append(pings)
        let sent = (0..<30).map { number in [0, UInt8(number)] + payload(40_000) }
        let sender = Task { [self] in
            for (number, bytes) in sent.enumerated() {
                let message = Use.message(number, bytes)
                try await doing("send") { try await connection.send(message) }
            }
        }
        tasks.append(sender)
        let receiver = Task { [self] in
            var count = 0
            while count < sent.count, let message = try await doing("receive", { try await connection.receive() }) {
                let isNext = message == Use.message(count, sent[count]).message
                #expect(isNext, "seed \(seed): message \(count)")
                count += 1
            }
            return count
        }
        let ending = Ending.allCases.randomElement(using: &dice) ?? .close
        let isEarly = dice.next() % 3 > 0 || isRough
        if isEarly {
            try await Task.sleep(for: .microseconds(Int.random(in: 0..<60_000, using: &dice)))
        }
        for task in tasks where dice.next() % 8 == 0 { task.cancel() }
        // Replies wait behind messages that the program does not receive.
        if isEarly, dice.next() % 8 == 0 { receiver.cancel() }
        if !isEarly {
            for task in tasks {
                do { _ = try await doing("all done") { try await task.value } } catch {
                    #expect(
                        (error as? ConnectionError)?.underlying == .cancelled || error is CancellationError,
                        "seed \(seed): \(error)"
                    )
                }
            }
            let wasCancelled = receiver.isCancelled || sender.isCancelled
            if !wasCancelled {
                let count = try await doing("all received") { try await receiver.value }
                #expect(count == sent.count)
            }
        }
        switch ending {
        case .close: await doing("close") { await client?.close() }
        case .drop: client = nil
        case .daemonCloses: try? await connection.send(.data(Use.endWord))
        case .cutByDaemon:
            for other in daemon.daemon.openConnections where isRough && dice.next() % 8 == 0 {
                other.channel.close(mode: .all, promise: nil)
            }
        case .cutByClient: connection.channel.close(mode: .all, promise: nil)
        case .cancelled: for task in tasks { task.cancel() }
        }
        if ending == .drop || ending == .cutByDaemon || ending == .cancelled || ending == .daemonCloses {
            try await Task.sleep(for: .milliseconds(20))
            await doing("close at last") { await connection.close() }
        }
        for task in tasks { _ = await doing("task") { await task.result } }
        _ = await doing("receiver") { await receiver.result }
        await client?.close()
    }

    /// Data and echoes, which are answered the same way.
    private static func message(_ number: Int, _ bytes: [UInt8]) -> OutgoingMessage {
        number % 3 == 0 ? .echo("\(number)" + String(repeating: "echo ", count: bytes.count / 5)) : .data(bytes)
    }
}
