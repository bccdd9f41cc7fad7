package import NIOCore

/// Stands between the socket and TLS, and can close the connection without waiting for TLS: until the peer answers the farewell
/// of TLS, or a second has passed, the descriptor would stay open and what comes would still be read.
package final class AbruptClose: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    package init() {}

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    package func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Says farewell and closes the socket at once when the channel has this handler, in order otherwise. From any thread.
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
