package import NIOCore

/// Joins two channels of one event loop: what arrives on one leaves on the other, no faster than that one takes it.
package final class SpliceHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private var partner: SpliceHandler?
    private var context: ChannelHandlerContext?
    private let meter: TunnelMeter
    private var pendingRead = false
    private var isWaiting = false

    private init(_ meter: TunnelMeter) {
        self.meter = meter
    }

    /// - Parameters:
    ///   - forward: meters the bytes from `one` to `other`.
    ///   - backward: meters the bytes from `other` to `one`.
    package static func join(
        _ one: any Channel,
        _ other: any Channel,
        forward: TunnelMeter,
        backward: TunnelMeter
    ) throws {
        let first = SpliceHandler(forward)
        let second = SpliceHandler(backward)
        first.partner = second
        second.partner = first
        for channel in [one, other] {
            // iperf3 shuts down one direction of a connection and continues in the other.
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        }
        // From here on a side is read only while the other is writable.
        try one.syncOptions?.setOption(.autoRead, value: false)
        try other.syncOptions?.setOption(.autoRead, value: false)
        try one.pipeline.syncOperations.addHandler(first)
        try other.pipeline.syncOperations.addHandler(second)
        one.read()
        other.read()
    }

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        // If it is joined before its registration is done, a channel forgets the read that was requested then.
        context.read()
        context.fireChannelActive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard bytes.readableBytes > 0 else { return }
        switch meter.record(bytes.readableBytes) {
        case .go: break
        case .wait: pause(context.eventLoop)
        case .stop:
            partner?.closeAll()
            // What TLS would still read while it closes is dropped.
            AbruptClose.close(context.channel)
            return
        }
        partner?.write(bytes)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        partner?.flush()
        readWhenWritable()
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.readIfPending() }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { partner?.closeOutput() }
        context.fireUserInboundEventTriggered(event)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        partner?.closeAfterWrites()
        context.fireChannelInactive()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        partner?.closeAll()
        context.close(promise: nil)
    }

    private func readWhenWritable() {
        guard let partner, let context, !isWaiting else { return }
        if partner.context?.channel.isWritable == true {
            pendingRead = false
            context.read()
        } else {
            pendingRead = true
        }
    }

    /// Reads nothing until the meter allows it.
    private func pause(_ eventLoop: any EventLoop) {
        guard !isWaiting else { return }
        isWaiting = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        meter.whenReady {
            eventLoop.execute {
                bound.value.isWaiting = false
                bound.value.readWhenWritable()
            }
        }
    }

    private func readIfPending() {
        guard pendingRead else { return }
        pendingRead = false
        context?.read()
    }

    private func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.write(wrapOutboundOut(bytes), promise: nil)
    }

    private func flush() { context?.flush() }

    private func closeOutput() { context?.close(mode: .output, promise: nil) }

    /// Not at once: the partner may have failed because this side flushed it at the end of a read. NIO looks for the
    /// end of the input after that, and a debug build traps if the channel is closed by then.
    private func closeAll() {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.close(promise: nil) }
    }

    private func closeAfterWrites() {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            self.closeAll()
        }
    }
}
