package import Logging
package import NetworkProtocol
internal import NetworkProtocolConfiguration
internal import Synchronization

/// Configured daemons and clients, for as long as a test needs them.
package enum ConfiguredService {
    /// A daemon on its own port, configured by `toml`.
    package static func withDaemon(
        _ toml: String,
        _ dispatcher: Dispatcher = ConfiguredService.dispatcher,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: (_ daemon: Daemon, _ address: String) async throws -> Void
    ) async throws {
        let environment = ["NETWORK_PROTOCOL_SERVER_ADDRESS": "127.0.0.1:0"]
        let configuration = try NetworkConfiguration(
            toml: toml,
            environment: toml.contains("address") ? [:] : environment
        )
        let listener: Listener
        if configuration.transport.isEncrypting {
            listener = try configuration.listener(trust: .anonymous)
        } else {
            listener = try configuration.insecurePlaintextListener()
        }
        let daemon = Daemon(
            listening: [listener],
            dispatcher: dispatcher,
            options: configuration.daemonOptions,
            logger: logger
        )
        let running = Task { try await daemon.run() }
        guard let address = await daemon.addresses().first else { return try await running.value }
        do {
            try await body(daemon, address)
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        _ = try? await running.value
    }

    /// A client of the daemon at `address`, configured by `toml`.
    package static func connect(
        to address: String,
        _ toml: String = "",
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) async throws -> Client {
        let environment = ["NETWORK_PROTOCOL_CLIENT_ADDRESS": address]
        let configuration = try NetworkConfiguration(toml: toml, environment: environment)
        let destination: Destination
        if configuration.transport.isEncrypting {
            destination = try configuration.destination(trust: .anonymous)
        } else {
            destination = try configuration.insecurePlaintextDestination()
        }
        return try await Client.connect(to: destination, options: configuration.clientOptions, logger: logger)
    }

    package static let plaintext = "[transport]\nencryption_enabled = false\n"

    package static var dispatcher: Dispatcher {
        var dispatcher = Dispatcher()
        dispatcher.onCommandInline("echo") { payload, _ in payload }
        dispatcher.onCommand("never") { _, _ in
            try await Task.sleep(for: .seconds(3_600))
            return []
        }
        return dispatcher
    }

    package static func port(_ address: String) throws -> Int {
        guard let port = address.split(separator: ":").last.flatMap({ Int($0) }) else { throw NoPort(address: address) }
        return port
    }

    private struct NoPort: Error { let address: String }
}

/// False until it is set.
package final class Flag: Sendable {
    private let value = Mutex(false)

    package init() {}

    package var isSet: Bool { value.withLock { $0 } }
    package func set() { value.withLock { $0 = true } }
}

/// Lines of a log.
package final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    package init() {}

    package var all: [String] { lines.withLock { $0 } }

    package func append(_ line: [UInt8]) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
}
