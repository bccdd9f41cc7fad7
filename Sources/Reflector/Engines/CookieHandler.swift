internal import NIOCore

/// Holds a connection until it has sent what every iperf3 connection sends first, and closes it otherwise.
///
/// iperf3 serves the first connection, and waits for this cookie without looking at any other.
final class CookieHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    /// iperf3's COOKIE_SIZE.
    static let cookieBytes = 37

    private let patience: TimeAmount
    private let promise: EventLoopPromise<ByteBuffer>
    private var received = ByteBuffer()
    private var deadline: Scheduled<Void>?

    /// - Parameter promise: the first bytes, the cookie and perhaps more; fails if the connection ends before.
    init(patience: TimeAmount, promise: EventLoopPromise<ByteBuffer>) {
        self.patience = patience
        self.promise = promise
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        if channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        promise.fail(ChannelError.alreadyClosed)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard received.readableBytes >= Self.cookieBytes else { return context.read() }
        deadline?.cancel()
        promise.succeed(received)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
