internal import NIOCore

/// Stands between the socket and TLS of a stream that is received, and times its bytes as they come. When the measurement is
/// over it ends the stream, if it was asked to: what is still on its way would only keep the link busy.
final class WireMeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let flow: FlowMeter
    private let endsStream: Bool
    private var end: Scheduled<Void>?
    private var hasEnded = false

    /// - Parameter endsStream: whether the connection is closed when the time that was asked for is over.
    init(_ flow: FlowMeter, endsStream: Bool) {
        self.flow = flow
        self.endsStream = endsStream
        flow.opened(timedByWire: true)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end?.cancel()
        finish()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let now = NIODeadline.now()
        flow.arrived(unwrapInboundIn(data).readableBytes, at: now.uptimeNanoseconds)
        if endsStream, end == nil { schedule(context, from: now) }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        finish()
        context.fireChannelInactive()
    }

    private func schedule(_ context: ChannelHandlerContext, from now: NIODeadline) {
        guard let left = flow.left(at: now.uptimeNanoseconds) else { return }
        let channel = context.channel
        end = context.eventLoop.scheduleTask(deadline: now + .nanoseconds(Int64(clamping: left))) {
            AbruptClose.close(channel)
        }
    }

    /// The stream has ended, by whom ever.
    private func finish() {
        guard !hasEnded else { return }
        hasEnded = true
        flow.ended(at: NIODeadline.now().uptimeNanoseconds)
    }
}
