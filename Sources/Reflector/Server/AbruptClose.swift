internal import NIOCore

/// Stands between the socket and TLS, and can close the connection without asking TLS: its farewell would hold the
/// descriptor for as long as the peer cares to be silent.
final class AbruptClose: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Closes the socket at once when the channel has this handler, in order otherwise. From any thread.
    static func close(_ channel: any Channel) {
        channel.eventLoop.execute {
            guard let handler = try? channel.pipeline.syncOperations.handler(type: AbruptClose.self),
                let context = handler.context
            else { return channel.close(mode: .all, promise: nil) }
            context.close(mode: .all, promise: nil)
        }
    }
}
