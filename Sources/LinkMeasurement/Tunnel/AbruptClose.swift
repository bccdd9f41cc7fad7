package import NIOCore

/// A handler between the socket and TLS that can close the connection without waiting for TLS. Otherwise, until the
/// peer answers close_notify or a second has passed, the descriptor would stay open and bytes would still be read.
package final class AbruptClose: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    package init() {}

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    package func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends close_notify and closes the socket at once if the channel has this handler; otherwise closes in order.
    /// From any thread.
    package static func close(_ channel: any Channel) {
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
