internal import Foundation
internal import Identity
internal import Logging
internal import Testing

@testable import NetworkProtocol

/// A daemon with its own address, for as long as a test's body runs.
struct TestDaemon {
    let daemon: Daemon
    /// 0 for a Unix socket.
    let port: Int
    let ends: TestEnds
    let running: Task<Void, any Error>
    /// The reasons why connections ended, as the daemon saw them, in order.
    let endings: AsyncStream<ConnectionError>

    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @discardableResult static func with<Result>(
        _ transport: TestTransport,
        _ dispatcher: Dispatcher = .forTests,
        _ configure: (inout DaemonOptions) -> Void = { _ in },
        body: (TestDaemon) async throws -> Result
    ) async throws -> Result {
        let ends = try TestEnds()
        defer { ends.remove() }
        var options = DaemonOptions()
        configure(&options)
        var dispatcher = dispatcher
        let (endings, tell) = AsyncStream.makeStream(of: ConnectionError.self)
        dispatcher.onClose { _, error in tell.yield(error) }
        return try await with([ends.listener(transport)], dispatcher, options, ends, endings, body: body)
    }

    @discardableResult static func with<Result>(
        _ listeners: [Listener],
        _ dispatcher: Dispatcher,
        _ options: DaemonOptions,
        _ ends: TestEnds,
        _ endings: AsyncStream<ConnectionError> = AsyncStream { $0.finish() },
        body: (TestDaemon) async throws -> Result
    ) async throws -> Result {
        let daemon = Daemon(listening: listeners, dispatcher: dispatcher, options: options, logger: silent)
        let running = Task { try await daemon.run() }
        let addresses = await daemon.addresses()
        if addresses.isEmpty { try await running.value }
        let port = addresses.first?.split(separator: ":").last.flatMap { Int($0) } ?? 0
        do {
            let result = try await body(
                TestDaemon(daemon: daemon, port: port, ends: ends, running: running, endings: endings)
            )
            running.cancel()
            try await running.value
            return result
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
    }

    func connect(
        _ transport: TestTransport,
        _ configure: (inout ClientOptions) -> Void = { _ in }
    ) async throws -> Client {
        var options = ClientOptions()
        configure(&options)
        return try await Client.connect(
            to: ends.destination(transport, port: port),
            options: options,
            logger: TestDaemon.silent
        )
    }

    /// The reason why the next connection ends.
    func nextEnding() async -> ConnectionError? {
        for await ending in endings { return ending }
        return nil
    }
}

extension Dispatcher {
    /// `reverse`, `refuse`, `fail`, and `who`, which returns the peer's identity as the daemon sees it.
    static var forTests: Dispatcher {
        var dispatcher = Dispatcher()
        dispatcher.onCommand("reverse") { payload, _ in payload.reversed() }
        dispatcher.onCommand("refuse") { _, _ in throw Refusal("not today") }
        dispatcher.onCommand("fail") { _, _ in throw CocoaError(.fileNoSuchFile) }
        dispatcher.onCommandInline("who") { _, context in
            let peer = context.peer
            let names = [
                peer.endpointID.map { "\($0)" }, peer.certificatePin.map { "\($0)" },
                peer.credentials.map { "uid \($0.userID) pid \($0.processID)" },
            ]
            return Array(names.compactMap(\.self).joined(separator: ", ").utf8)
        }
        dispatcher.onData { bytes, _ in .data(bytes) }
        return dispatcher
    }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}
