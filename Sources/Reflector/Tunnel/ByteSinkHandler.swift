internal import NIOCore

/// Counts the bytes that arrive on a tunnel and drops them.
final class ByteSinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let record: (Int) -> Bool

    /// - Parameter record: takes the bytes of one read; false ends the connection.
    init(record: @escaping (Int) -> Bool) {
        self.record = record
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        if count > 0, !record(count) { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
