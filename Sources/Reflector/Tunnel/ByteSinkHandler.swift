internal import NIOCore

/// Counts the bytes that arrive on a tunnel and drops them.
final class ByteSinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let record: (Int) -> Bool
    private var isRefused = false

    /// - Parameter record: takes the bytes of one read; false ends the connection.
    init(record: @escaping (Int) -> Bool) {
        self.record = record
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        guard count > 0, !isRefused, !record(count) else { return }
        // What TLS still delivers while it closes is not taken any more.
        isRefused = true
        AbruptClose.close(context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
