internal import Glibc
package import Logging
package import NIOCore

/// Stops accepting for a moment if the process has no descriptor left.
///
/// The listening socket stays readable then, so an event loop that only retried would spin and serve no connection.
package final class AcceptPause: ChannelInboundHandler {
    package typealias InboundIn = any Channel

    /// Long enough to cost nothing, short enough that a peer in the backlog does not notice.
    private static let pause = TimeAmount.milliseconds(100)
    /// The shortest time between two log lines about it.
    private static let logInterval = TimeAmount.seconds(60)

    private let logger: Logger
    private let makeRoom: () -> Void
    private var isPaused = false
    private var lastLogged: NIODeadline?

    /// - Parameter makeRoom: closes what can be done without.
    package init(logger: Logger, makeRoom: @escaping () -> Void = {}) {
        self.logger = logger
        self.makeRoom = makeRoom
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
            return context.fireErrorCaught(error)
        }
        makeRoom()
        if lastLogged.map({ NIODeadline.now() - $0 >= Self.logInterval }) ?? true {
            lastLogged = .now()
            logger.error(
                "a connection cannot be accepted, the process has too few descriptors or too little memory",
                metadata: ["error": "\(error)"]
            )
        }
        guard !isPaused else { return }
        isPaused = true
        setReading(false, context)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.pause) {
            let (handler, context) = bound.value
            handler.isPaused = false
            if context.channel.isActive { handler.setReading(true, context) }
        }
    }

    private func setReading(_ isReading: Bool, _ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
