internal import Cryptography
internal import Identity

extension ConnectionCore {
    /// TCP, or the socket below TLS, is connected.
    ///
    /// - Parameter wallClock: milliseconds since the Unix epoch.
    mutating func connected(
        now: Instant,
        wallClock: UInt64,
        isTLS: Bool,
        using generator: inout some RandomNumberGenerator
    ) -> Step {
        guard case .connecting = phase, !hasBegun else { return .none }
        hasBegun = true
        checkAt = now + min(max(handshakeTimeout, .zero), Heartbeat.longest)
        if isTLS { return .none }
        guard let trust else { return opened(by: nil, now: now) }
        if case .responder = side {
            phase = .awaitingInit
            return .none
        }
        let initiator = HandshakeInitiator(trust: trust, timestamp: wallClock, using: &generator)
        phase = .awaitingResponse(initiator)
        return .send(.handshakeInit(initiator.opening))
    }

    /// TLS has verified the peer.
    mutating func completedTLS(now: Instant) -> Step {
        guard case .connecting = phase else { return .none }
        return opened(by: nil, now: now)
    }

    private mutating func opened(by peer: EndpointID?, mustAccept: Bool = false, now: Instant) -> Step {
        decoder.limit = maximumPayloadLength
        phase = .open
        wasOpened = true
        heartbeat.paused(now: now)
        checkAt = heartbeat.firstCheck
        return .opened(peer, mustAccept: mustAccept)
    }

    /// The answer to a peer's opening.
    ///
    /// - Parameter seen: returns whether the opening was seen before, and remembers it.
    mutating func answer(
        _ opening: HandshakeInit,
        wallClock: UInt64,
        seen: (HandshakeInit) -> Bool,
        using generator: inout some RandomNumberGenerator
    ) -> Step {
        guard case .awaitingInit = phase, let trust else { return .none }
        do throws(HandshakeError) {
            let responder = try HandshakeResponder(
                trust: trust,
                opening: opening,
                now: wallClock,
                seen: seen,
                using: &generator
            )
            phase = .awaitingConfirm(responder)
            return .send(.handshakeResponse(responder.response))
        } catch {
            // Nothing is secret yet, and a peer whose clock is wrong should find out.
            return refuse(error)
        }
    }

    private mutating func refuse(_ error: HandshakeError) -> Step {
        if end == nil { end = .handshake(error) }
        return .refuse(error)
    }

    private mutating func confirm(
        _ initiator: HandshakeInitiator,
        _ response: HandshakeResponse,
        _ now: Instant
    ) throws(ConnectionError) -> Step {
        do throws(HandshakeError) {
            let (confirm, result) = try initiator.receive(response)
            seal(result, now)
            phase = .awaitingAcceptance(result)
            return .confirm(confirm)
        } catch {
            throw .handshake(error)
        }
    }

    private mutating func accept(
        _ responder: HandshakeResponder,
        _ confirm: HandshakeConfirm,
        _ now: Instant
    ) throws(ConnectionError) -> Step {
        do throws(HandshakeError) {
            let (result, refusal) = try responder.receive(confirm)
            seal(result, now)
            if let refusal { return refuse(refusal) }
            return opened(by: result.peer, mustAccept: true, now: now)
        } catch {
            throw .handshake(error)
        }
    }

    /// From here on everything is sealed, in both directions.
    private mutating func seal(_ result: HandshakeResult, _ now: Instant) {
        sealer = RecordSealer(secret: result.sending, contexts: contexts, now: now)
        opener = RecordOpener(secret: result.receiving, contexts: contexts)
    }

    mutating func takeOpening(_ message: Message, _ now: Instant) throws(ConnectionError) -> Step {
        switch (phase, message) {
        case (.awaitingInit, .handshakeInit(let opening)): return .answer(opening)
        case (.awaitingConfirm(let responder), .handshakeConfirm(let confirm)):
            return try accept(responder, confirm, now)
        case (.awaitingResponse(let initiator), .handshakeResponse(let response)):
            return try self.confirm(initiator, response, now)
        case (.awaitingAcceptance(let result), .pong): return opened(by: result.peer, now: now)
        case (.awaitingResponse, .failure(_, let code, let reason)),
            (.awaitingAcceptance, .failure(_, let code, let reason)):
            throw .refused(code: code, reason: ConnectionCore.sanitized(reason))
        default: throw .handshake(.unexpectedMessage(message.name))
        }
    }
}
