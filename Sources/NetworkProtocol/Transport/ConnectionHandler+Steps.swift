internal import NIOCore

extension ConnectionHandler {
    /// Does what the core requires for a received packet.
    func take(_ step: consuming ConnectionCore.Step) throws(ConnectionError) {
        switch step {
        case .message(let message, let bytes):
            if core.format != encoding.format, case .responder = setup.side {
                encoding.format = core.format
                outbox.use(core.format)
            }
            try handle(message, bytes: bytes)
        case .ping:
            // A peer that sends requests and does not read gets no more answers.
            if !isCrowded { write(.pong) }
        case .pong: inFlight.pong()
        case .disconnected: finish(.closedByPeer)
        case .read(let payload, let work): readElsewhere(payload, work: work)
        case .changeKey(let packet): changeKeyLater(packet)
        case .answer(let opening):
            guard case .responder(let seen) = setup.side else { return }
            var generator = SystemRandomNumberGenerator()
            perform(core.answer(opening, wallClock: WallClock.milliseconds, seen: seen, using: &generator))
        case .none: break
        case .send, .confirm, .opened, .refuse: perform(step)
        }
    }

    /// Does what the core requires while the connection opens.
    func perform(_ step: ConnectionCore.Step) {
        switch step {
        case .send(let message): writeOpening(message, isSealed: false)
        case .confirm(let confirm): writeOpening(.handshakeConfirm(confirm), isSealed: false)
        case .opened(let peer, let mustAccept):
            if mustAccept { writeOpening(.pong, isSealed: core.isSealed) }
            guard let context else { return }
            open(peer: plainPeer(context, endpointID: peer))
        case .refuse(let error): refuse(error)
        case .answer, .message, .ping, .pong, .disconnected, .read, .changeKey, .none: break
        }
    }

    /// Reads a payload on a thread for long payloads, then continues: the event loop must stay free for its other
    /// connections.
    ///
    /// - Parameter work: counted as the bytes of a message in progress, because the thread holds them even if the
    ///   connection ends first.
    private func readElsewhere(_ payload: InboundPayload, work: Int) {
        guard let context else { return }
        let account = account
        account?.begin(bytes: work)
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        PayloadWork.start { () throws(ConnectionError) in
            try payload.read()
        } done: { result in
            eventLoop.execute {
                bound.value.wasReadElsewhere(result)
                account?.end(bytes: work)
            }
        }
    }

    private func wasReadElsewhere(_ result: Result<InboundPayload.Content, ConnectionError>) {
        do throws(ConnectionError) {
            try take(try core.resume(with: result, now: .now))
        } catch {
            fail(error)
        }
        turn()
    }

    /// Nothing after the packet is processed until its turn.
    private func changeKeyLater(_ packet: Packet) {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        KeyChangeTurns.of(context.eventLoop).wait { bound.value.changeKey(packet) }
    }

    private func changeKey(_ packet: Packet) {
        do throws(ConnectionError) {
            try core.changeKey(packet, now: .now)
        } catch {
            fail(error)
        }
        turn()
    }

    /// Sends the peer the reason of the refusal, and closes.
    private func refuse(_ error: HandshakeError) {
        let code: FailureCode =
            switch error {
            case .clockSkew: .clockSkew
            case .noIdentity, .notAdmitted: .unauthorized
            default: .protocolViolation
            }
        writeOpening(.failure(id: 0, code: code, reason: error.description), isSealed: core.isSealed)
        flush()
        // The refusal is one small packet: the system takes it, or the peer is no longer reading.
        context?.close(mode: .output, promise: nil)
        fail(.handshake(error))
    }
}
