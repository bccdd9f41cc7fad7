internal import NIOCore

extension ConnectionHandler {
    /// How long, after everything is said, the peer may take to close its side.
    private static let lingering = Duration.seconds(1)
    /// The same over a Unix socket. What the peer has not read yet when this side closes is lost there, so a busy one has longer; one
    /// that is gone has closed its side.
    private static let lingeringOnUnix = Duration.seconds(30)

    private static func lingering(on channel: any Channel) -> Duration {
        if case .unixDomainSocket? = channel.localAddress ?? channel.remoteAddress {
            lingeringOnUnix
        } else {
            lingering
        }
    }

    /// Ends in order: what is in work is answered, what is to be sent is sent.
    func finish(_ reason: ConnectionError) {
        switch core.finish(reason) {
        case .began(let end):
            // Nothing more is taken of what has come, either.
            input = ByteBuffer()
            inFlight.end(reason)
            inbox.end(of: end)
            turn()
        case .fail: fail(reason)
        case .ignored: break
        }
    }

    /// The peer sends nothing more, and all it sent was looked at.
    func allRead() {
        guard let (error, isViolation) = core.allRead() else { return }
        if isViolation { return fail(error) }
        finish(error)
        // It may wait for its answers, or be gone, and what is in work for nothing; if it is gone its system says so when something comes.
        if !core.isOpen { ping() }
    }

    /// While it finishes: closes once everything is answered and written.
    func proceed() {
        guard core.isEnding, !core.isClosed, let context else { return }
        let isIdle = outbox.isIdle && !isStuck && messagesWritten == 0
        let lingering = ConnectionHandler.lingering(on: context.channel)
        switch core.proceed(isIdle: isIdle, lingering: lingering, now: .now) {
        case .wait: break
        case .sayGoodBye:
            write(.disconnect)
            flush()
            proceed()
        case .linger:
            outbox.end(core.end ?? .closed)
            // Closing while bytes of the peer are unread would reset the connection, and with it what was just sent.
            context.close(mode: .output, promise: nil)
            setTimer()
        case .close:
            outbox.end(core.end ?? .closed)
            close()
        }
    }

    /// Ends at once; nothing more is read or written.
    func fail(_ error: ConnectionError) {
        guard let error = core.fail(error) else { return }
        let context = context
        end(error)
        context?.close(mode: .all, promise: nil)
    }

    func close() {
        let context = context
        end(core.close(.closed))
        context?.close(mode: .all, promise: nil)
    }

    /// Once, with why it ended: all who wait are told, and nothing refers to this connection any more.
    func end(_ error: ConnectionError?) {
        guard let error else { return }
        setTimer()
        input = ByteBuffer()
        writer = PacketWriter()
        ordered?.end()
        ordered = nil
        outbox.end(error)
        inFlight.end(error)
        inbox.end(of: error)
        if core.wasOpened {
            setup.metrics.connectionClosed()
            setup.closed(connection, error)
            // The program is told of the end when all handlers of the connection have returned.
            let mustTell = setup.service?.handlers.dispatcher.closed != nil
            (work ?? (mustTell ? startedWork() : nil))?.end(error)
            if let connection { account?.forget(connection.id) }
            work = nil
            account = nil
        } else {
            if !setup.isPlain, core.hasBegun {
                setup.metrics.handshakeFailed(failureReason ?? error.handshakeFailureReason)
            }
            setup.opened(.failure(error))
        }
        letGo()
    }
}
