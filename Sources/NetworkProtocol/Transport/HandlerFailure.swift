internal import Logging

/// The log lines about handlers that failed for one peer.
struct HandlerFailureLog: Sendable {
    /// Characters of a command in a log line; the peer chose the command.
    private static let commandLimit = 64

    let log: PeerLog<WorkBudget.Key>
    let peer: WorkBudget.Key

    func write(command: String, _ context: Dispatcher.Context, _ error: any Error) {
        log.write(
            .info,
            "a handler failed",
            topic: peer,
            [
                "connection.id": "\(context.connection.id)", "peer.address": "\(context.peer.address)",
                "message.command": "\(UntrustedText.sanitized(command, limit: Self.commandLimit))", "error": "\(error)",
            ]
        )
    }
}

/// The answer for a handler's error.
enum HandlerFailure {
    static func message(
        for error: any Error,
        id: UInt64,
        command: String,
        _ context: Dispatcher.Context,
        _ failures: HandlerFailureLog
    ) -> Message? {
        if let refusal = error as? Dispatcher.Refusal {
            return .failure(id: id, code: refusal.code, reason: refusal.reason)
        }
        // The handler was canceled, with its connection or with the daemon, and returned. How far it got is not known,
        // so there is no answer to give: its request ends unanswered, with the connection.
        if Task.isCancelled { return nil }
        failures.write(command: command, context, error)
        return .failure(id: id, code: .internalError, reason: "the handler failed")
    }

    /// Sends the reply, or a failure that says that the reply is too long.
    static func finish(
        _ outbox: Outbox,
        bytes: Int,
        reply: Message?,
        id: UInt64
    ) async {
        var payload: OutboundPayload?
        if let reply {
            do throws(ConnectionError) {
                payload = try await outbox.encode(reply)
            } catch {
                let failure: Message =
                    id == 0
                    ? .custom(command: "error", payload: Array(error.description.utf8))
                    : .failure(id: id, code: .tooLarge, reason: error.description)
                payload = try? await outbox.encode(failure)
            }
        }
        outbox.finishWork(bytes: bytes, reply: payload)
    }
}

/// For messages without a number.
enum OrderedMessage {
    static func reply(
        to message: Message,
        _ dispatcher: Dispatcher,
        _ context: Dispatcher.Context,
        _ failures: HandlerFailureLog
    ) async -> Message? {
        do {
            switch message {
            case .echo: return message
            case .data(let bytes): return try await dispatcher.data?(bytes, context)?.message
            case .custom(let command, let payload):
                switch dispatcher.commands[command] {
                case .task(let handler):
                    return try await handler(payload, context).map { .custom(command: command, payload: $0) }
                case .inline(let handler):
                    return try handler(payload, context).map { .custom(command: command, payload: $0) }
                case nil:
                    if let reply = try await dispatcher.custom?(command, payload, context) {
                        return .custom(command: command, payload: reply)
                    }
                    // Never an answer to an answer.
                    return command == "error" ? nil : error(dispatcher.unknownCommandReason)
                }
            default: return nil
            }
        } catch {
            let command: String = if case .custom(let command, _) = message { command } else { message.name }
            switch HandlerFailure.message(for: error, id: 0, command: command, context, failures) {
            case .failure(_, let code, let reason): return self.error("\(code): \(reason)")
            default: return nil
            }
        }
    }

    /// Sent instead of a reply to custom messages without a number.
    private static func error(_ reason: String) -> Message { .custom(command: "error", payload: Array(reason.utf8)) }
}
