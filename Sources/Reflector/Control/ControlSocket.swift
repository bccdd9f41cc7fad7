internal import FoundationEssentials
internal import LinkMeasurement
internal import Logging
internal import NetworkProtocol

/// The server's end of the control socket: a Unix socket of mode 0600 in the state folder, whose one command carries a
/// ``ControlRequest`` and returns a ``ControlReply``, both as JSON.
struct ControlSocket: Sendable {
    static let fileName = "control.sock"
    static let command = "control"
    private static let maximumConnections = 16

    private let daemon: Daemon
    private let running: Task<Void, any Error>

    static func path(inFolder folder: String) -> String { folder + "/" + fileName }

    /// The caller holds the folder's lock, so an existing socket is stale and is replaced.
    static func open(
        inFolder folder: String,
        logger: Logger,
        answer: @escaping @Sendable (ControlRequest) async -> ControlReply
    ) async throws -> ControlSocket {
        var dispatcher = Dispatcher()
        dispatcher.onCommand(command) { payload, _ in
            let reply: ControlReply
            do {
                reply = await answer(try LinkJSON.decode(ControlRequest.self, from: Data(payload)))
            } catch {
                reply = .failed("invalid request: \(LinkJSON.describe(error))")
            }
            return try LinkJSON.encode(reply)
        }
        var options = DaemonOptions()
        options.maximumConnections = maximumConnections
        options.connection.maximumPayloadLength = LinkFrame.maximumLength
        // A silent connection loses its slot after twice this.
        options.connection.heartbeatInterval = .seconds(10)
        options.connection.missedHeartbeats = 2
        options.shutdownTimeout = .seconds(2)
        let daemon = Daemon(
            listening: [.unix(path: path(inFolder: folder))],
            dispatcher: dispatcher,
            options: options,
            logger: logger
        )
        let running = Task { try await daemon.run() }
        if await daemon.addresses().isEmpty { try await running.value }
        return ControlSocket(daemon: daemon, running: running)
    }

    /// Answers what it accepted, and removes the socket.
    func close() async {
        daemon.shutDown()
        _ = try? await running.value
    }
}

package enum ControlSocketError: Error, CustomStringConvertible {
    /// - Parameter usesOwnFolder: the folder is the user's own, because the system's is not writable.
    case notRunning(folder: String, usesOwnFolder: Bool = false)
    case failed(String)

    package var description: String {
        switch self {
        case .notRunning(let folder, let usesOwnFolder):
            "no reflector is running on the state folder \(folder); start one with `reflector serve`"
                + (usesOwnFolder
                    ? ". To use the system's reflector, whose folder \(ReflectorConfiguration.systemFolder) this user may not write, "
                        + "run this as root or as its user" : "")
        case .failed(let message): message
        }
    }
}
