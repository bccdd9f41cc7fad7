internal import NIOCore

/// Stands between the socket and TLS of a connection that a client opened for bulk, and can close the connection without waiting for TLS: until the peer answers its
/// farewell, or a second has passed, the descriptor would stay open and what comes would still be read and counted.
final class AbruptClose: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Says farewell and closes the socket at once when the channel has this handler, in order otherwise. From any thread.
    static func close(_ channel: any Channel) {
        channel.eventLoop.execute {
            guard let handler = try? channel.pipeline.syncOperations.handler(type: AbruptClose.self),
                let context = handler.context
            else { return channel.close(mode: .all, promise: nil) }
            channel.close(mode: .all, promise: nil)
            // Bytes that the kernel has not taken by now are lost.
            context.close(mode: .all, promise: nil)
        }
    }
}
