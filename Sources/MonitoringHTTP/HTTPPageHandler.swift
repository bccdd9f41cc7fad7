internal import NIOCore
internal import NIOHTTP1

/// One request, one answer, close.
final class HTTPPageHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let plainText = "text/plain; charset=utf-8"

    private let pages: HTTPPages
    private let patience: TimeAmount
    private var request: HTTPRequestHead?
    /// Requests after the first are not read: their answers would cost memory for each.
    private var isAnswered = false
    private var deadline: Scheduled<Void>?

    init(pages: HTTPPages, patience: TimeAmount) {
        self.pages = pages
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: patience) { bound.value.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAnswered else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): request = head
        // No request that is answered here has a body.
        case .body: context.close(promise: nil)
        case .end:
            guard let head = request else { return }
            request = nil
            isAnswered = true
            try? context.channel.syncOptions?.setOption(.autoRead, value: false)
            respond(to: head, context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func respond(to head: HTTPRequestHead, context: ChannelHandlerContext) {
        guard let make = pages.page(at: head.uri.prefix { $0 != "?" }) else {
            return send(.notFound, Self.plainText, pages.directory, for: head, context: context)
        }
        guard head.method == .GET || head.method == .HEAD else {
            return send(.methodNotAllowed, Self.plainText, "only GET is served\n", for: head, context: context)
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        // A page may await actors. The connection waits for it, and its deadline ends it.
        Task {
            let page = await make()
            eventLoop.execute {
                let (handler, context) = bound.value
                let status: HTTPResponseStatus = page.isAvailable ? .ok : .serviceUnavailable
                handler.send(status, page.contentType, page.body, for: head, context: context)
            }
        }
    }

    private func send(
        _ status: HTTPResponseStatus,
        _ type: String,
        _ body: String,
        for head: HTTPRequestHead,
        context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders([
            ("content-type", type), ("content-length", "\(body.utf8.count)"), ("cache-control", "no-store"),
            ("connection", "close"),
        ])
        if status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
        let response = HTTPResponseHead(version: head.version, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        }
        let end = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        end.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }
}
