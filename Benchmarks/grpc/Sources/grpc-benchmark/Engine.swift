/// What is compared.
protocol Engine: Sendable {
    associatedtype Link: EchoLink

    init(_ address: Address) throws
    /// Serves until `body` returns.
    func serve(_ body: @Sendable () async throws -> Void) async throws
    /// One connection.
    func connect(_ body: @Sendable @escaping (Link) async throws -> Void) async throws
    /// That many connections, each of which has answered once.
    func hold(_ count: Int, _ body: @Sendable () async throws -> Void) async throws
}

/// One connection to a server.
protocol EchoLink: Sendable {
    /// A unary request. The server's handler is an ordinary asynchronous function that returns what it got.
    func echo(_ payload: [UInt8]) async throws -> [UInt8]
    /// Sends messages of ``Bulk/length`` bytes for a while; returns the bytes that the server's handler got.
    func send(for time: Duration) async throws -> UInt64
}

enum Bulk {
    static let length = 64 * 1024
    static let message = [UInt8](repeating: 0x5a, count: length)

    static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
    static func value(_ bytes: [UInt8]) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
