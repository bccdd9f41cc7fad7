internal import LinkMeasurement
internal import NIOCore
internal import NIOTLS

/// The client's end of one connection: many requests at once, or one `tunnel_open` and then a test's bytes.
final class LinkClientHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the connection becomes after `ok` to `tunnel_open`.
    struct Upgrade {
        let requestID: String
        let install: @Sendable (any Channel) throws -> Void
        let promise: EventLoopPromise<Void>
    }

    private let alpn: String
    private let handshake: EventLoopPromise<Void>
    private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLength)
    private var waiting: [String: EventLoopPromise<LinkMessage>] = [:]
    private var upgrade: Upgrade?
    private var failure: (any Error)?

    init(alpn: String, handshake: EventLoopPromise<Void>) {
        self.alpn = alpn
        self.handshake = handshake
    }

    // MARK: Requests, on the event loop

    func send(_ envelope: LinkEnvelope, promise: EventLoopPromise<LinkMessage>, on channel: any Channel) {
        if let failure { return promise.fail(failure) }
        guard channel.isActive else { return promise.fail(ChannelError.ioOnClosedChannel) }
        do {
            let frame = try envelope.frame()
            waiting[envelope.requestID] = promise
            channel.writeAndFlush(frame, promise: nil)
        } catch {
            promise.fail(error)
        }
    }

    func open(_ envelope: LinkEnvelope, upgrade: Upgrade, on channel: any Channel) {
        if let failure { return upgrade.promise.fail(failure) }
        guard channel.isActive else { return upgrade.promise.fail(ChannelError.ioOnClosedChannel) }
        do {
            let frame = try envelope.frame()
            self.upgrade = upgrade
            channel.writeAndFlush(frame, promise: nil)
        } catch {
            upgrade.promise.fail(error)
        }
    }

    // MARK: The channel

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            if negotiated == alpn { handshake.succeed() } else { handshake.fail(NoCommonProtocol()) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        do {
            while let payload = try decoder.next() {
                let envelope = try LinkEnvelope.decode(payload)
                if let upgrade, upgrade.requestID == envelope.requestID || envelope.requestID.isEmpty {
                    return finish(upgrade, with: envelope.payload, context: context)
                }
                if let promise = waiting.removeValue(forKey: envelope.requestID) {
                    promise.succeed(envelope.payload)
                } else if envelope.requestID.isEmpty, case .error(let error) = envelope.payload {
                    // The server could not tell which request it refuses: it refuses the connection.
                    fail(error)
                }
            }
        } catch {
            fail(error)
            context.close(promise: nil)
        }
    }

    private func finish(_ upgrade: Upgrade, with message: LinkMessage, context: ChannelHandlerContext) {
        self.upgrade = nil
        switch message {
        case .ok:
            let remainder = decoder.takeRemainder()
            do {
                try upgrade.install(context.channel)
            } catch {
                upgrade.promise.fail(error)
                return context.close(promise: nil)
            }
            upgrade.promise.succeed()
            if let remainder {
                context.fireChannelRead(wrapInboundOut(remainder))
                context.fireChannelReadComplete()
            }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        case .error(let error):
            upgrade.promise.fail(LinkClientError.refused(error))
            context.close(promise: nil)
        default:
            upgrade.promise.fail(LinkClientError.unexpected(message.type))
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    private func fail(_ error: any Error) {
        failure = failure ?? error
        let reason = failure ?? error
        handshake.fail(reason)
        for promise in waiting.values { promise.fail(reason) }
        waiting = [:]
        upgrade?.promise.fail(reason)
        upgrade = nil
    }

    struct NoCommonProtocol: Error {}
}
