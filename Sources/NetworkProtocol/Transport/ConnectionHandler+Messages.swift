internal import Logging
internal import NIOCore

extension ConnectionHandler {
    /// Opens, decompresses and reads a packet, and does what its message asks for.
    func receive(_ packet: consuming Packet) throws(ConnectionError) {
        var flags = packet.header.flags
        var payload: [UInt8]
        if opener != nil {
            if mustWait(packet) { return changeKeyLater(packet) }
            guard let opened = try open(packet) else { return }
            payload = opened
            flags.remove(.encrypted)
        } else {
            guard !flags.contains(.encrypted) else { throw .protocolViolation("a sealed packet before any handshake") }
            payload = packet.payload
        }
        let inbound = InboundPayload(
            payload,
            flags: flags,
            limit: setup.options.effectiveMaximumPayloadLength
        )
        guard case .open = phase else {
            if !flags.isEmpty { throw .protocolViolation("a compressed packet inside the handshake") }
            return try take(inbound.read())
        }
        let work = try inbound.work()
        workSinceYield += work
        if work > 0, workSinceYield >= ConnectionHandler.workPerYield { return readElsewhere(inbound, work: work) }
        try take(inbound.read())
    }

    /// Reads it on a thread for such work, and goes on when that is done: the event loop is for all its connections.
    ///
    /// - Parameter work: counted as the bytes of a message in work, as the thread holds them however soon the connection ends.
    private func readElsewhere(_ inbound: InboundPayload, work: Int) {
        guard let context else { return }
        isReadingElsewhere = true
        let account = account
        account?.begin(bytes: work)
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        PayloadWork.start { () throws(ConnectionError) in
            try inbound.read()
        } done: { result in
            eventLoop.execute {
                bound.value.wasReadElsewhere(result)
                account?.end(bytes: work)
            }
        }
    }

    private func wasReadElsewhere(_ result: Result<InboundPayload.Content, ConnectionError>) {
        isReadingElsewhere = false
        workSinceYield = 0
        if case .open = phase {
            do throws(ConnectionError) {
                try take(try result.get())
            } catch {
                fail(error)
            }
        }
        turn()
    }

    /// A message is there.
    private func take(_ content: InboundPayload.Content) throws(ConnectionError) {
        if case .open = phase {
            if case .responder = setup.side, content.format != format {
                format = content.format
                outbox.speak(format)
            }
        } else if content.format != .bincode {
            throw .protocolViolation("a handshake that is not in bincode")
        }
        try handle(content.message, bytes: content.bytes)
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
        case .disconnect:
            hasSaidGoodBye = true
            finish(.closedByPeer)
        case .response(let id, let payload): calls.finish(id, with: .success(payload))
        case .failure(0, let code, let reason): throw .refused(code: code, reason: ConnectionHandler.shown(reason))
        case .failure(let id, let code, let reason):
            calls.finish(id, with: .failure(.refused(code: code, reason: ConnectionHandler.shown(reason))))
        case .handshakeInit, .handshakeResponse, .handshakeConfirm:
            throw .protocolViolation("\(message.name) on a connection that is open")
        case .request(let id, let command, let payload): try handleRequest(id, command, payload, bytes: bytes)
        case .echo where setup.dispatcher != nil && (ordered?.isIdle ?? true) && !outbox.takesLong(message):
            try outbox.appendOnLoop(message)
        case .echo, .custom, .data, .unknown:
            guard let dispatcher = setup.dispatcher, let connection else {
                return inbox.put(message, bytes: bytes)
            }
            guard let account, let failures, let work = startedWork() else { return }
            let ordered = self.ordered ?? OrderedWork(account)
            self.ordered = ordered
            begin(bytes: bytes)
            guard ordered.put(message, bytes: bytes) else { return }
            let outbox = outbox
            // Each message is counted for itself.
            work.put(
                ConnectionWork.Job(bytes: nil) {
                    await ordered.work(dispatcher, Dispatcher.Context(connection: connection), outbox, failures)
                }
            )
        }
    }

    // MARK: Handlers

    private func handleRequest(
        _ id: UInt64,
        _ command: String,
        _ payload: [UInt8],
        bytes: Int
    ) throws(ConnectionError) {
        guard let dispatcher = setup.dispatcher, let connection, let failures else {
            guard !outbox.isCrowded else { return }
            return try outbox.appendOnLoop(
                .failure(id: id, code: .unknownCommand, reason: "this side answers no requests")
            )
        }
        let context = Dispatcher.Context(connection: connection)
        switch dispatcher.commands[command] {
        case .inline(let handler):
            let reply: Message?
            do {
                reply = .response(id: id, payload: try handler(payload, context) ?? [])
            } catch {
                reply = HandlerFailure.message(for: error, id: id, command: command, context, failures)
            }
            if let reply { try appendReply(reply, id: id) }
        case .task(let handler):
            handle(id, command, bytes: bytes, context) { try await handler(payload, context) ?? [] }
        case nil:
            guard let custom = dispatcher.custom else {
                return try outbox.appendOnLoop(
                    .failure(id: id, code: .unknownCommand, reason: dispatcher.unknownCommandReason)
                )
            }
            handle(id, command, bytes: bytes, context) {
                guard let reply = try await custom(command, payload, context) else {
                    throw Dispatcher.Refusal(dispatcher.unknownCommandReason, code: .unknownCommand)
                }
                return reply
            }
        }
    }

    /// Has a handler run as a child of this connection's work.
    private func handle(
        _ id: UInt64,
        _ command: String,
        bytes: Int,
        _ context: Dispatcher.Context,
        _ handler: @escaping @Sendable () async throws -> [UInt8]
    ) {
        guard let failures, let work = startedWork() else { return }
        begin(bytes: bytes)
        let outbox = outbox
        work.put(
            ConnectionWork.Job(bytes: bytes) {
                let reply: Message?
                do {
                    reply = .response(id: id, payload: try await handler())
                } catch {
                    reply = HandlerFailure.message(for: error, id: id, command: command, context, failures)
                }
                await HandlerFailure.finish(outbox, bytes: bytes, reply: reply, id: id)
            }
        )
    }

    /// A message is in work.
    private func begin(bytes: Int) {
        outbox.beginWork(bytes: bytes)
        account?.begin(bytes: bytes)
    }

    /// For what this peer makes handlers throw; nil on a side that has none.
    private var failures: HandlerFailureLog? {
        guard let service = setup.service, let account else { return nil }
        return HandlerFailureLog(log: service.handlers.failures, peer: account.key)
    }

    /// What runs this connection's handlers; nil on a side that has none.
    func startedWork() -> ConnectionWork? {
        if let work { return work }
        guard let service = setup.service, let connection, let account else { return nil }
        service.hold()
        let work = ConnectionWork(connection, account, service.handlers, ended: service.release)
        self.work = work
        return work
    }

    private func appendReply(_ reply: Message, id: UInt64) throws(ConnectionError) {
        if outbox.takesLong(reply) {
            guard let work = startedWork() else { return }
            let bytes = reply.bincodeLength
            begin(bytes: bytes)
            let outbox = outbox
            work.put(
                ConnectionWork.Job(bytes: bytes) {
                    await HandlerFailure.finish(outbox, bytes: bytes, reply: reply, id: id)
                }
            )
            return
        }
        do throws(ConnectionError) {
            try outbox.appendOnLoop(reply)
        } catch {
            guard case .messageTooLong = error else { throw error }
            try outbox.appendOnLoop(.failure(id: id, code: .tooLarge, reason: error.description))
        }
    }

    /// A reason as it may be shown and logged: the peer chose it.
    private static func shown(_ reason: String) -> String {
        ForeignText.shown(reason, most: 400)
    }
}

/// The lines about handlers that failed for one peer.
struct HandlerFailureLog: Sendable {
    /// Characters of a command, which the peer chose, in a line.
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
                "message.command": "\(ForeignText.shown(command, most: Self.commandLimit))", "error": "\(error)",
            ]
        )
    }
}

/// What goes back for a handler's error.
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
        // The handler was told to end, with its connection or with the daemon, and did. How far it came is not known, so there is no
        // answer to give: its request ends unanswered, with the connection.
        if Task.isCancelled { return nil }
        failures.write(command: command, context, error)
        return .failure(id: id, code: .internalError, reason: "the handler failed")
    }

    /// Sends the reply, or says that it is too long to be sent.
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

/// Messages without a number.
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
            case .data(let bytes): return try await dispatcher.data?(bytes, context)
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

    /// What one who sends custom messages without numbers gets instead of a reply.
    private static func error(_ reason: String) -> Message { .custom(command: "error", payload: Array(reason.utf8)) }
}
