internal import NetworkProtocol
internal import Synchronization

/// The answers of `packetbench serve`, beside the echoes of every daemon.
enum BenchService {
    /// Bytes of the data messages of a bulk test.
    static let bulkLength = 64 * 1024
    /// Longest time that one request may make the daemon send, in milliseconds.
    static let longestSource: UInt32 = 60_000

    static let echo = "packetbench.echo"
    static let received = "packetbench.received"
    static let source = "packetbench.source"

    static func dispatcher() -> Dispatcher {
        let counts = Counts()
        var dispatcher = Dispatcher()
        dispatcher.onCommandInline(echo) { payload, _ in payload }
        dispatcher.onData { bytes, context in
            counts.add(bytes.count, of: context.connection.id)
            return nil
        }
        dispatcher.onCommand(received) { _, context in
            Numbers.bytes(counts.value(of: context.connection.id))
        }
        dispatcher.onCommand(source) { payload, context in
            guard let milliseconds = Numbers.value(payload), milliseconds <= longestSource else {
                throw Dispatcher.Refusal("the time to send for is 8 bytes, little endian, at most \(longestSource) ms")
            }
            let end = ContinuousClock.now + .milliseconds(milliseconds)
            let bytes = [UInt8](repeating: 0x5a, count: bulkLength)
            var sent: UInt64 = 0
            while ContinuousClock.now < end {
                try await context.connection.send(.data(bytes))
                sent += UInt64(bytes.count)
            }
            return Numbers.bytes(sent)
        }
        dispatcher.onClose { connection, _ in counts.forget(connection.id) }
        return dispatcher
    }

    /// Bytes of data messages, by connection.
    private final class Counts: Sendable {
        private let counts = Mutex<[UInt64: UInt64]>([:])

        func add(_ bytes: Int, of connection: UInt64) {
            counts.withLock { $0[connection, default: 0] += UInt64(bytes) }
        }

        func value(of connection: UInt64) -> UInt64 { counts.withLock { $0[connection] ?? 0 } }
        func forget(_ connection: UInt64) { counts.withLock { $0[connection] = nil } }
    }
}

/// Numbers as eight bytes, little endian.
enum Numbers {
    static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }

    static func value(_ bytes: [UInt8]) -> UInt64? {
        guard bytes.count == 8 else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
