internal import NIOCore

/// Counts the bytes that arrive on a tunnel and drops them.
package final class ByteSinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let meter: TunnelMeter
    private var isRefused = false

    package init(_ meter: TunnelMeter) {
        self.meter = meter
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        guard count > 0, !isRefused else { return }
        switch meter.record(count) {
        case .go: break
        case .wait: meter.pauseReading(context.channel)
        case .stop:
            // Drops what TLS still delivers while it closes.
            isRefused = true
            AbruptClose.close(context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
