internal import NIOCore

extension ConnectionHandler {
    /// Handles a message for the program, or a reply.
    func handle(_ message: Message, bytes: Int) throws(ConnectionError) {
        hasArrivals = true
        switch message {
        case .response(let id, let payload): inFlight.finish(id, with: .success(payload))
        case .failure(let id, let code, let reason):
            inFlight.finish(id, with: .failure(.refused(code: code, reason: ConnectionCore.sanitized(reason))))
        case .request(let id, let command, let payload): try handleRequest(id, command, payload, bytes: bytes)
        case .echo where setup.service != nil && (ordered?.isIdle ?? true) && !takesLong(message):
            try writeProgram(message)
        case .echo, .custom, .data, .unknown: handleOrdered(message, bytes: bytes)
        case .ping, .pong, .disconnect, .handshakeInit, .handshakeResponse, .handshakeConfirm: break
        }
    }

    /// Handles a message without a number.
    private func handleOrdered(_ message: Message, bytes: Int) {
        guard let handlers = setup.service?.handlers, let connection else { return inbox.put(message, bytes: bytes) }
        guard let account, let failures, let work = startedWork() else { return }
        let ordered = self.ordered ?? OrderedWork(account)
        self.ordered = ordered
        begin(bytes: bytes)
        guard ordered.put(message, bytes: bytes) else { return }
        let outbox = outbox
        // Each message is counted separately.
        work.put(
            ConnectionWork.Job(bytes: nil) {
                await ordered.work(handlers.dispatcher, Dispatcher.Context(connection: connection), outbox, failures)
            }
        )
    }

    private func handleRequest(
        _ id: UInt64,
        _ command: String,
        _ payload: [UInt8],
        bytes: Int
    ) throws(ConnectionError) {
        guard let handlers = setup.service?.handlers, let connection else {
            if !isCrowded {
                try writeProgram(.failure(id: id, code: .unknownCommand, reason: "this side answers no requests"))
            }
            return
        }
        let context = Dispatcher.Context(connection: connection)
        switch handlers.dispatcher.commands[command] {
        case .inline(let handler):
            let reply: Message?
            do {
                reply = .response(id: id, payload: try handler(payload, context) ?? [])
            } catch {
                reply = failures.flatMap {
                    HandlerFailure.message(for: error, id: id, command: command, context, $0)
                }
            }
            if let reply { try writeReply(reply, id: id) }
        case .task(let handler):
            handle(id, command, bytes: bytes, context) { try await handler(payload, context) ?? [] }
        case nil:
            guard let custom = handlers.dispatcher.custom else {
                let reason = handlers.dispatcher.unknownCommandReason
                return try writeProgram(.failure(id: id, code: .unknownCommand, reason: reason))
            }
            handle(id, command, bytes: bytes, context) {
                guard let reply = try await custom(command, payload, context) else {
                    throw Dispatcher.Refusal(handlers.dispatcher.unknownCommandReason, code: .unknownCommand)
                }
                return reply
            }
        }
    }

    /// Runs a handler as a child task of this connection's work.
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

    /// Counts a message as in progress.
    private func begin(bytes: Int) {
        outbox.beginWork(bytes: bytes)
        account?.begin(bytes: bytes)
    }

    /// Limits the log lines about handlers that fail for this peer; nil on a side without handlers.
    private var failures: HandlerFailureLog? {
        guard let service = setup.service, let account else { return nil }
        return HandlerFailureLog(log: service.handlers.failures, peer: account.key)
    }

    /// Runs this connection's handlers; nil on a side without handlers.
    func startedWork() -> ConnectionWork? {
        if let work { return work }
        guard let service = setup.service, let connection, let account else { return nil }
        service.hold()
        let work = ConnectionWork(connection, account, service.handlers, ended: service.release)
        self.work = work
        return work
    }

    private func writeReply(_ reply: Message, id: UInt64) throws(ConnectionError) {
        if takesLong(reply) {
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
            try writeProgram(reply)
        } catch {
            guard error.code == .messageTooLong else { throw error }
            try writeProgram(.failure(id: id, code: .tooLarge, reason: error.description))
        }
    }
}
