extension ConnectionCore {
    enum Finishing {
        /// The connection has begun to end for this reason.
        case began(ConnectionError)
        /// It was not open: end it at once.
        case fail
        case ignored
    }

    /// Closes in order: messages in progress are answered, and queued messages are sent.
    mutating func finish(_ reason: ConnectionError) -> Finishing {
        switch phase {
        case .open: break
        case .finishing, .lingering, .closed: return .ignored
        default: return .fail
        }
        phase = .finishing(hasSentDisconnect: false)
        let end = end ?? reason
        self.end = end
        return .began(end)
    }

    enum InputEnd {
        /// Received bytes are still processed; then the caller calls ``allRead()``.
        case proceed
        case fail(ConnectionError)
        case ignored
    }

    /// The peer's system has no more bytes.
    mutating func inputClosed() -> InputEnd {
        guard !isInputClosed else { return .ignored }
        isInputClosed = true
        switch phase {
        case .open, .finishing, .lingering: return .proceed
        case .closed: return .ignored
        default: return .fail(.closedByPeer)
        }
    }

    /// Called after the end of the input, when all bytes were processed. Returns why the connection ends now; nil if it
    /// does not end yet, or has ended.
    func allRead() -> (error: ConnectionError, isViolation: Bool)? {
        guard isInputClosed, !isPaused, case .open = phase else { return nil }
        if decoder.isInsidePacket {
            return (.protocolViolation("it closed the connection inside a packet"), true)
        }
        return (endOfInput, false)
    }

    /// What it means that the system has no more bytes from the peer. The system does not know what ended them. On a
    /// sealed connection only the peer's Disconnect tells, and that has already set ``end``.
    private var endOfInput: ConnectionError { opener == nil ? .closedByPeer : .truncated }

    /// While finishing: how to continue.
    ///
    /// - Parameters:
    ///   - isIdle: whether everything is answered and written.
    ///   - lingering: how long the peer may take to close its side after everything is sent.
    mutating func proceed(isIdle: Bool, lingering: Duration, now: Instant) -> ClosingAction {
        if case .lingering = phase { return isInputClosed ? .close : .wait }
        guard case .finishing(let hasSentDisconnect) = phase, isIdle else { return .wait }
        if !hasSentDisconnect, end != .closedByPeer || !isInputClosed {
            phase = .finishing(hasSentDisconnect: true)
            return .sendDisconnect
        }
        if isInputClosed { return .close }
        phase = .lingering
        lingerUntil = now + lingering
        return .linger
    }

    /// Whether a ping may be sent while the connection ends.
    var canSendMore: Bool { if case .finishing(hasSentDisconnect: false) = phase { true } else { false } }

    /// The task that waits for the connection gave up.
    mutating func giveUp() { if end == nil { end = .cancelled } }

    /// Ends the connection for this reason, unless there already is one. Returns the error for all waiting tasks; nil
    /// if it had ended before.
    mutating func fail(_ error: ConnectionError) -> ConnectionError? {
        if !isClosed, end == nil { end = error }
        return close(error)
    }

    /// The channel is closed: like ``fail(_:)``, but finds out what it means that the peer closed it.
    mutating func close(_ error: ConnectionError) -> ConnectionError? {
        if isClosed { return nil }
        let error = end ?? (error == .closedByPeer && wasOpened ? endOfInput : error)
        end = error
        phase = .closed
        decoder = PacketDecoder(limit: 0)
        sealer = nil
        opener = nil
        checkAt = nil
        lingerUntil = nil
        return error
    }
}
