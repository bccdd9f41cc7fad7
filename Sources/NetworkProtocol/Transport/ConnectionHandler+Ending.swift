internal import NIOCore

extension ConnectionHandler {
    /// How long the peer may take to close its side after everything is sent.
    private static let lingering = Duration.seconds(1)
    /// The same over a Unix socket. What the peer has not read when this side closes is lost there, so a busy peer has
    /// longer; a dead peer has closed its side already.
    private static let lingeringOnUnix = Duration.seconds(30)

    private static func lingering(on channel: any Channel) -> Duration {
        if case .unixDomainSocket? = channel.localAddress ?? channel.remoteAddress {
            lingeringOnUnix
        } else {
            lingering
        }
    }

    /// Closes in order: messages in progress are answered, and queued messages are sent.
    func finish(_ reason: ConnectionError) {
        switch core.finish(reason) {
        case .began(let end):
            // Received bytes are not processed anymore, either.
            input = ByteBuffer()
            inFlight.end(reason)
            inbox.end(of: end)
            turn()
        case .fail: fail(reason)
        case .ignored: break
        }
    }

    /// The peer sends nothing more, and everything that it sent was processed.
    func allRead() {
        guard let (error, isViolation) = core.allRead() else { return }
        if isViolation { return fail(error) }
        finish(error)
        // The peer may wait for its answers. Or it is gone and the work is useless; then its system says so once
        // something arrives there.
        if !core.isOpen { ping() }
    }

    /// While finishing: closes once everything is answered and written.
    func proceed() {
        guard core.isEnding, !core.isClosed, let context else { return }
        let isIdle = outbox.isIdle && !isStuck && messagesWritten == 0
        let lingering = ConnectionHandler.lingering(on: context.channel)
        switch core.proceed(isIdle: isIdle, lingering: lingering, now: .now) {
        case .wait: break
        case .sendDisconnect:
            write(.disconnect)
            flush()
            proceed()
        case .linger:
            outbox.end(core.end ?? .closed)
            // Closing with unread bytes of the peer would reset the connection, and lose what was just sent.
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

    /// Called once, with the reason of the end: notifies all waiting tasks, and drops all references to this
    /// connection.
    func end(_ error: ConnectionError?) {
        guard let error else { return }
        setTimer()
        input = ByteBuffer()
        writer = PacketWriter()
        ordered?.end()
        ordered = nil
        outbox.end(error)
        resumeSenders()
        inFlight.end(error)
        inbox.end(of: error)
        if core.wasOpened {
            setup.metrics.connectionClosed()
            setup.closed(connection, error)
            // The program is notified of the end after all handlers of the connection have returned.
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
