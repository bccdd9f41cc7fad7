internal import Logging
internal import NIOCore

extension ConnectionHandler {
    /// Opens, decompresses and reads a packet, and does what its message asks for.
    func receive(_ packet: consuming Packet) throws(ConnectionError) {
        var flags = packet.header.flags
        var payload: [UInt8]
        if opener != nil {
            // What is sealed must be, from the first record on: there is no way back into the clear.
            guard let opened = opener?.open(packet) else { throw .notAuthentic }
            if opened.isEmpty { return }
            payload = opened
            flags.remove(.encrypted)
        } else {
            guard !flags.contains(.encrypted) else { throw .protocolViolation("a sealed packet before any handshake") }
            payload = packet.payload
        }
        if !flags.isEmpty {
            guard case .open = phase else { throw .protocolViolation("a compressed packet inside the handshake") }
            payload = try PayloadCompression.decompress(
                payload,
                flags: flags,
                limit: setup.options.effectiveMaximumPayloadLength
            )
        }
        let bytes = payload.count
        let message: Message
        let format: MessageFormat
        do throws(MessageError) {
            (message, format) = try Message.read(payload)
        } catch {
            throw .malformedMessage(error)
        }
        if case .open = phase {
            if case .responder = setup.side, format != self.format {
                self.format = format
                outbox.speak(format)
            }
        } else if format != .bincode {
            throw .protocolViolation("a handshake that is not in bincode")
        }
        try handle(message, bytes: bytes)
    }

    private func handle(_ message: Message, bytes: Int) throws(ConnectionError) {
        switch (phase, message) {
        case (.awaitingInit, .handshakeInit(let opening)): try answer(opening)
        case (.awaitingConfirm(let responder), .handshakeConfirm(let confirm)): try accept(responder, confirm)
        case (.awaitingResponse(let initiator), .handshakeResponse(let response)): try self.confirm(initiator, response)
        case (.awaitingAcceptance(let result), .pong):
            guard let context else { return }
            open(peer: plainPeer(context, endpointID: result.peer))
        case (.awaitingResponse, .failure(_, let code, let reason)),
            (.awaitingAcceptance, .failure(_, let code, let reason)):
            throw .refused(code: code, reason: ConnectionHandler.shown(reason))
        case (.open, _): try handleOpen(message, bytes: bytes)
        case (.finishing, _), (.closed, _): break
        default: throw .handshake(.unexpectedMessage(message.name))
        }
    }

    private func handleOpen(_ message: Message, bytes: Int) throws(ConnectionError) {
        switch message {
        case .ping:
            // A peer that asks and does not read gets no more answers.
            if !outbox.isCrowded { try outbox.appendOnLoop(.pong) }
        case .pong: calls.pong()
        case .disconnect: finish(.closedByPeer)
        case .response(let id, let payload): calls.finish(id, with: .success(payload))
        case .failure(0, let code, let reason): throw .refused(code: code, reason: ConnectionHandler.shown(reason))
        case .failure(let id, let code, let reason):
            calls.finish(id, with: .failure(.refused(code: code, reason: ConnectionHandler.shown(reason))))
        case .handshakeInit, .handshakeResponse, .handshakeConfirm:
            throw .protocolViolation("\(message.name) on a connection that is open")
        case .request(let id, let command, let payload): try handleRequest(id, command, payload, bytes: bytes)
        case .echo(let text) where setup.dispatcher != nil: try outbox.appendOnLoop(.echo(text))
        case .echo, .custom, .data, .unknown:
            guard setup.dispatcher != nil else { return inbox.put(message, bytes: bytes) }
            outbox.beginWork(bytes: bytes)
            ordered.append((message, bytes))
            nextOrdered()
        }
    }

    // MARK: Handlers

    private func handleRequest(
        _ id: UInt64,
        _ command: String,
        _ payload: [UInt8],
        bytes: Int
    ) throws(ConnectionError) {
        guard let dispatcher = setup.dispatcher, let connection else {
            guard !outbox.isCrowded else { return }
            return try outbox.appendOnLoop(
                .failure(id: id, code: .unknownCommand, reason: "this side answers no requests")
            )
        }
        let context = Dispatcher.Context(connection: connection)
        switch dispatcher.commands[command] {
        case .inline(let handler):
            let reply: Message
            do {
                reply = .response(id: id, payload: try handler(payload, context))
            } catch {
                reply = HandlerFailure.message(for: error, id: id, command: command, context, setup.logger)
            }
            try appendReply(reply, id: id)
        case .task(let handler):
            outbox.beginWork(bytes: bytes)
            let (outbox, logger) = (outbox, setup.logger)
            Task {
                let reply: Message
                do {
                    reply = .response(id: id, payload: try await handler(payload, context))
                } catch {
                    reply = HandlerFailure.message(for: error, id: id, command: command, context, logger)
                }
                HandlerFailure.finish(outbox, bytes: bytes, reply: reply, id: id)
            }
        case nil:
            guard let custom = dispatcher.custom else {
                return try outbox.appendOnLoop(
                    .failure(id: id, code: .unknownCommand, reason: dispatcher.unknownCommandReason)
                )
            }
            outbox.beginWork(bytes: bytes)
            let (outbox, logger) = (outbox, setup.logger)
            Task {
                let reply: Message
                do {
                    if let payload = try await custom(command, payload, context) {
                        reply = .response(id: id, payload: payload)
                    } else {
                        reply = .failure(id: id, code: .unknownCommand, reason: dispatcher.unknownCommandReason)
                    }
                } catch {
                    reply = HandlerFailure.message(for: error, id: id, command: command, context, logger)
                }
                HandlerFailure.finish(outbox, bytes: bytes, reply: reply, id: id)
            }
        }
    }

    private func appendReply(_ reply: Message, id: UInt64) throws(ConnectionError) {
        do throws(ConnectionError) {
            try outbox.appendOnLoop(reply)
        } catch {
            guard case .messageTooLong = error else { throw error }
            try outbox.appendOnLoop(.failure(id: id, code: .tooLarge, reason: error.description))
        }
    }

    /// Starts the next message without a number, if the one before it is done.
    func nextOrdered() {
        guard !isOrderedAtWork, !ordered.isEmpty, let dispatcher = setup.dispatcher, let connection, let context else {
            return
        }
        let (message, bytes) = ordered.removeFirst()
        isOrderedAtWork = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        let (outbox, logger) = (outbox, setup.logger)
        let handlerContext = Dispatcher.Context(connection: connection)
        Task {
            let reply = await OrderedMessage.reply(to: message, dispatcher, handlerContext, logger)
            eventLoop.execute {
                bound.value.isOrderedAtWork = false
                bound.value.turn()
            }
            HandlerFailure.finish(outbox, bytes: bytes, reply: reply, id: 0)
        }
    }

    /// A reason as it may be shown and logged: the peer chose it.
    private static func shown(_ reason: String) -> String {
        ForeignText.shown(reason, most: 400)
    }
}

/// What goes back for a handler's error.
enum HandlerFailure {
    static func message(
        for error: any Error,
        id: UInt64,
        command: String,
        _ context: Dispatcher.Context,
        _ logger: Logger
    ) -> Message {
        if let refusal = error as? Dispatcher.Refusal {
            return .failure(id: id, code: refusal.code, reason: refusal.reason)
        }
        logger.info(
            "a handler failed",
            metadata: [
                "connection.id": "\(context.connection.id)", "peer.address": "\(context.peer.address)",
                "message.command": "\(command)", "error": "\(error)",
            ]
        )
        return .failure(id: id, code: .internalError, reason: "the handler failed")
    }

    /// Sends the reply, or says that it is too long to be sent; a connection that has ended meanwhile needs neither.
    static func finish(_ outbox: Outbox, bytes: Int, reply: Message?, id: UInt64) {
        do throws(ConnectionError) {
            try outbox.finishWork(bytes: bytes, reply: reply)
        } catch {
            guard case .messageTooLong = error else { return }
            let failure: Message =
                id == 0
                ? .custom(command: "error", payload: Array(error.description.utf8))
                : .failure(id: id, code: .tooLarge, reason: error.description)
            try? outbox.sendNow(failure)
        }
    }
}

/// Messages without a number.
enum OrderedMessage {
    static func reply(
        to message: Message,
        _ dispatcher: Dispatcher,
        _ context: Dispatcher.Context,
        _ logger: Logger
    ) async -> Message? {
        do {
            switch message {
            case .data(let bytes): return try await dispatcher.data?(bytes, context)
            case .custom(let command, let payload):
                switch dispatcher.commands[command] {
                case .task(let handler): return .custom(command: command, payload: try await handler(payload, context))
                case .inline(let handler): return .custom(command: command, payload: try handler(payload, context))
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
            switch HandlerFailure.message(for: error, id: 0, command: command, context, logger) {
            case .failure(_, let code, let reason): return self.error("\(code): \(reason)")
            default: return nil
            }
        }
    }

    /// What one who sends custom messages without numbers gets instead of a reply.
    private static func error(_ reason: String) -> Message { .custom(command: "error", payload: Array(reason.utf8)) }
}
