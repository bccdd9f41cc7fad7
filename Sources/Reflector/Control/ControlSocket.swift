internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NetworkProtocol
internal import Operations
internal import SystemErrors

/// The server's end of the control socket.
enum ControlSocket {
    static let fileName = "control.sock"
    /// Bytes of a socket's path, with its terminator (`sun_path`, unix(7)).
    static let maximumPathLength = 107
    private static let patience = TimeAmount.seconds(10)
    private static let maximumConnections = 16

    static func path(inFolder folder: String) -> String { folder + "/" + fileName }

    static func bind(
        inFolder folder: String,
        on group: any EventLoopGroup,
        logger: Logger,
        answer: @escaping @Sendable (ControlRequest) async -> ControlReply
    ) async throws -> any Channel {
        let path = path(inFolder: folder)
        guard path.utf8.count <= maximumPathLength else {
            throw ControlSocketError.pathTooLong(path)
        }
        // The caller holds the folder's lock, so a socket that is there belongs to nobody.
        _ = unsafe unlink(path)
        let places = Places(maximumConnections)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger: logger))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard places.take() else { throw ChannelError.alreadyClosed }
                    channel.closeFuture.whenComplete { _ in places.giveBack() }
                    try channel.pipeline.syncOperations.addHandler(ControlHandler(answer: answer, patience: patience))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
        } catch let error as IOError {
            throw FileError(SystemError(call: "bind", path: path, code: error.errnoCode))
        }
        // The folder is 0700 already; this is the second lock.
        guard unsafe chmod(path, 0o600) == 0 else {
            try? await channel.close()
            throw ControlSocketError.cannotProtect(path)
        }
        return channel
    }
}

package enum ControlSocketError: Error, CustomStringConvertible {
    case pathTooLong(String)
    case cannotProtect(String)
    case notRunning(folder: String)
    case failed(String)

    package var description: String {
        switch self {
        case .pathTooLong(let path):
            "the control socket \(path) has a path of \(path.utf8.count) bytes, the system allows "
                + "\(ControlSocket.maximumPathLength); use a state folder with a shorter path"
        case .cannotProtect(let path): "the control socket \(path) could not be made private"
        case .notRunning(let folder):
            "no reflector is running on the state folder \(folder); start one with `reflector serve`"
        case .failed(let message): message
        }
    }
}

/// One request, one reply, close.
private final class ControlHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: @Sendable (ControlRequest) async -> ControlReply
    private let patience: TimeAmount
    private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLengthUnauthorised)
    private var deadline: Scheduled<Void>?
    private var isAnswering = false

    init(answer: @escaping @Sendable (ControlRequest) async -> ControlReply, patience: TimeAmount) {
        self.answer = answer
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: patience) { bound.value.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAnswering else { return }
        decoder.append(unwrapInboundIn(data))
        do {
            guard let payload = try decoder.next() else { return }
            isAnswering = true
            deadline?.cancel()
            let request = try LinkJSON.decode(ControlRequest.self, from: Data(payload.readableBytesView))
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let eventLoop = context.eventLoop
            Task { [answer] in
                let reply = await answer(request)
                eventLoop.execute {
                    let (handler, context) = bound.value
                    handler.send(reply, context: context)
                }
            }
        } catch {
            send(.failed("the request cannot be read: \(error)"), context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func send(_ reply: ControlReply, context: ChannelHandlerContext) {
        guard let payload = try? LinkJSON.encode(reply) else { return context.close(promise: nil) }
        var buffer = ByteBuffer()
        LinkFrame.encode(payload, into: &buffer)
        context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenComplete { _ in context.close(promise: nil)
        }
    }
}
