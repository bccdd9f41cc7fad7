package import NIOCore
internal import PacketIO

/// Sends as much as the connection takes, or as its rate allows, until the time is over, then closes. The other side
/// must not send: its first byte is counted and ends the stream.
package final class ByteSourceHandler: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// A sender with a rate writes this many times a second.
    private static let writesPerSecond = 50
    /// How much later than due a delayed sender may still send.
    private static let maximumLag = TimeAmount.milliseconds(100)

    private let duration: TimeAmount
    private let bytesPerSecond: Int?
    /// When the next write is due.
    private var due = NIODeadline.now()
    private var isWaiting = false
    private let meter: TunnelMeter
    /// Counts what arrives from the other side.
    private let strays: TunnelMeter
    private let onOver: @Sendable () -> Void
    /// The bytes of one write, as long as the longest write.
    private let noise: ByteBuffer
    private var block: ByteBuffer
    private var unsent = UnsentLimit(at: KernelClock.monotonic)
    private var written: UInt64 = 0
    private var end: Scheduled<Void>?
    private var isOver = false
    private var isFilling = false

    /// - Parameters:
    ///   - bytesPerSecond: nil for as fast as possible.
    ///   - strays: counts what arrives from the other side, which ends the stream.
    ///   - onOver: called once, on the event loop, when nothing more is written; written bytes may still be in transit.
    package init(
        duration: TimeAmount,
        bytesPerSecond: Int? = nil,
        meter: TunnelMeter,
        strays: TunnelMeter,
        onOver: @escaping @Sendable () -> Void = {}
    ) {
        self.duration = duration
        self.bytesPerSecond = bytesPerSecond
        self.meter = meter
        self.strays = strays
        self.onOver = onOver
        let noise = Self.noise
        let count = bytesPerSecond.map { max(1, min(noise.readableBytes, $0 / Self.writesPerSecond)) }
        self.noise = noise.getSlice(at: noise.readerIndex, length: count ?? noise.readableBytes) ?? noise
        self.block = self.noise
    }

    /// Bytes that no link can compress; created once, shared by all streams.
    private static let noise: ByteBuffer = {
        var generator = SystemRandomNumberGenerator()
        var buffer = ByteBuffer()
        for _ in 0..<TunnelBuffers.writeSize / 8 { buffer.writeInteger(generator.next() as UInt64) }
        return buffer
    }()

    package func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        meter.flow.opened()
        meter.flow.mark(at: NIODeadline.now().uptimeNanoseconds)
        apply(unsent.bytes, context)
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

    package func handlerRemoved(context: ChannelHandlerContext) { endSending() }

    package func channelInactive(context: ChannelHandlerContext) {
        endSending()
        context.fireChannelInactive()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        fill(context)
        context.fireChannelWritabilityChanged()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        guard count > 0 else { return }
        _ = strays.record(count)
        endSending()
        // At once: what TLS would still read while it closes is why we close.
        AbruptClose.close(context.channel)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func fill(_ context: ChannelHandlerContext) {
        // A flush may change writability and call back into here.
        guard !isFilling else { return }
        isFilling = true
        defer { isFilling = false }
        var writes = 0
        while !isOver, context.channel.isWritable, isDue(context) {
            let verdict = meter.record(block.readableBytes)
            guard verdict != .stop else { return finish(context) }
            context.writeAndFlush(wrapOutboundOut(block), promise: nil)
            written += UInt64(block.readableBytes)
            if let limit = unsent.update(total: written, at: KernelClock.monotonic) { apply(limit, context) }
            writes += 1
            if verdict == .wait {
                pause(context)
            } else if writes == TunnelBuffers.writesPerRound {
                yield(context)
            }
        }
    }

    /// Lets the event loop serve its other connections. With a receiver that takes everything at once, this one stays
    /// writable for the whole test.
    private func yield(_ context: ChannelHandlerContext) {
        isWaiting = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = bound.value
            handler.resume(context)
        }
    }

    /// Whether a write is due; if not, `fill` is called again when it is.
    private func isDue(_ context: ChannelHandlerContext) -> Bool {
        guard !isWaiting else { return false }
        guard let bytesPerSecond else { return true }
        let now = NIODeadline.now()
        guard due <= now else {
            isWaiting = true
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(deadline: due) {
                let (handler, context) = bound.value
                handler.resume(context)
            }
            return false
        }
        due =
            max(due, now - Self.maximumLag)
            + .nanoseconds(Int64(block.readableBytes) * 1_000_000_000 / Int64(bytesPerSecond))
        return true
    }

    /// Writes nothing until the meter allows it.
    private func pause(_ context: ChannelHandlerContext) {
        isWaiting = true
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: eventLoop)
        meter.whenReady {
            eventLoop.execute {
                let (handler, context) = bound.value
                handler.resume(context)
            }
        }
    }

    private func resume(_ context: ChannelHandlerContext) {
        isWaiting = false
        if !isOver { fill(context) }
    }

    /// Keeps no more ready, here and in the kernel, than the connection takes in a moment.
    private func apply(_ limit: Int, _ context: ChannelHandlerContext) {
        block = noise.getSlice(at: noise.readerIndex, length: min(noise.readableBytes, limit)) ?? noise
        guard let options = context.channel.syncOptions else { return }
        let high = min(TunnelBuffers.waterMark.high, max(limit, 2 * UnsentLimit.least))
        let low = min(TunnelBuffers.waterMark.low, high / 2)
        try? options.setOption(.writeBufferWaterMark, value: .init(low: low, high: high))
        // An older kernel does not support it.
        try? options.setOption(TunnelBuffers.notSentLowWater, value: SocketOptionValue(limit))
    }

    private func endSending() {
        guard !isOver else { return }
        isOver = true
        end?.cancel()
        let now = NIODeadline.now().uptimeNanoseconds
        meter.flow.mark(at: now)
        meter.flow.ended(at: now)
        onOver()
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard !isOver else { return }
        endSending()
        // After the written bytes: closing the pipeline waits for no write, so an empty one goes first.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
