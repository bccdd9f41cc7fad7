internal import NIOCore
internal import NIOPosix
internal import PacketIO

/// A handler between the socket and TLS of a received stream that times its bytes as they arrive. When the measurement
/// is over it ends the stream: bytes still in transit would only keep the link busy.
package final class WireMeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let flow: FlowMeter
    private var read = 0
    private var stream = SampledStream(from: nil)
    private var next: Scheduled<Void>?
    private var hasEnded = false

    /// - Parameter framing: the records that the sender writes: full ones, unless its rate is limited.
    package init(_ flow: FlowMeter, _ framing: FlowMeter.Framing) {
        self.flow = flow
        flow.opened(.arrivals(framing))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        stream = SampledStream(from: received(context))
        schedule(context, from: NIODeadline.now().uptimeNanoseconds)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        read += count
        flow.delivered(count)
        if stream.until == nil {
            stream.begin(read: read, at: NIODeadline.now().uptimeNanoseconds, in: flow)
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    private func received(_ context: ChannelHandlerContext) -> ReceivedSegments? {
        let segments = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { ReceivedSegments(of: $0) }
        return segments ?? nil
    }

    /// Samples again after a while, and when the measurement is over.
    private func schedule(_ context: ChannelHandlerContext, from now: UInt64) {
        let left = flow.left(at: now) ?? 0
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let deadline = NIODeadline.uptimeNanoseconds(now + (left > 0 ? min(left, stream.pause) : stream.pause))
        next = context.eventLoop.scheduleTask(deadline: deadline) {
            let (meter, context) = bound.value
            meter.sample(context)
        }
    }

    private func sample(_ context: ChannelHandlerContext) {
        guard !hasEnded else { return }
        let now = NIODeadline.now().uptimeNanoseconds
        stream.look(read: read, received(context), at: now, in: flow)
        if flow.left(at: now) == 0 {
            context.channel.close(mode: .all, promise: nil)
            // Without waiting for the other side's close_notify. Bytes that arrive later are answered with a reset.
            context.close(mode: .all, promise: nil)
        } else {
            schedule(context, from: now)
        }
    }

    /// The stream has ended, from either side.
    private func finish() {
        guard !hasEnded else { return }
        hasEnded = true
        next?.cancel()
        let now = NIODeadline.now().uptimeNanoseconds
        stream.look(read: read, nil, at: now, in: flow)
        flow.ended(at: now)
    }
}
