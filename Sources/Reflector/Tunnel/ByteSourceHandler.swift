internal import NIOCore

/// Sends as much as the connection takes until the time is over, then closes.
final class ByteSourceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let duration: TimeAmount
    private let record: (Int) -> Bool
    private let block: ByteBuffer
    private var end: Scheduled<Void>?
    private var isOver = false
    private var isFilling = false

    /// - Parameter record: takes the bytes of one write; false ends the connection.
    init(duration: TimeAmount, record: @escaping (Int) -> Bool) {
        self.duration = duration
        self.record = record
        self.block = Self.noise
    }

    /// Bytes that no link can compress; made once, shared by all streams.
    private static let noise: ByteBuffer = {
        var generator = SystemRandomNumberGenerator()
        var buffer = ByteBuffer()
        for _ in 0..<TunnelBuffers.writeSize / 8 { buffer.writeInteger(generator.next() as UInt64) }
        return buffer
    }()

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        end = context.eventLoop.scheduleTask(in: duration) {
            let (handler, context) = bound.value
            handler.finish(context)
        }
        context.eventLoop.execute {
            let (handler, context) = bound.value
            handler.fill(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        isOver = true
        end?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver = true
        end?.cancel()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        fill(context)
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Nothing is expected from the other side of a one-way stream.
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func fill(_ context: ChannelHandlerContext) {
        // A flush may change writability and call back into here.
        guard !isFilling else { return }
        isFilling = true
        defer { isFilling = false }
        while !isOver, context.channel.isWritable {
            guard record(block.readableBytes) else { return finish(context) }
            context.writeAndFlush(wrapOutboundOut(block), promise: nil)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        end?.cancel()
        // After what was written: a close of the pipeline waits for no write, so an empty one goes first.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
