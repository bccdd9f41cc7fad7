internal import FoundationEssentials
internal import LinkMeasurement
internal import NIOCore
internal import NIOHTTP1
internal import Operations

/// `GET /health` and `GET /metrics`, the same on the plain port and inside mutual TLS.
final class HealthHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The application protocol by which an authorised peer asks for this on the control port.
    static let alpn = "http/1.1"
    /// Seconds for a whole request, and between requests.
    private static let patience = TimeAmount.seconds(10)

    private let core: ReflectorCore
    private var request: HTTPRequestHead?
    /// One request a connection: whoever sends many without reading the answers would cost memory for each.
    private var isAnswered = false
    private var deadline: Scheduled<Void>?

    private init(core: ReflectorCore) { self.core = core }

    static func install(on pipeline: ChannelPipeline.SynchronousOperations, core: ReflectorCore) throws {
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: true)
        try pipeline.addHandler(HealthHandler(core: core))
    }

    func handlerAdded(context: ChannelHandlerContext) { arm(context) }

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

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func arm(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: Self.patience) { bound.value.close(promise: nil) }
    }

    private func respond(to head: HTTPRequestHead, context: ChannelHandlerContext) {
        let path = head.uri.split(separator: "?", maxSplits: 1).first.map(String.init) ?? ""
        guard head.method == .GET || head.method == .HEAD else {
            return send(.methodNotAllowed, "text/plain", "only GET is served\n", for: head, context: context)
        }
        switch path {
        case "/health":
            let problem = core.audit.problem
            let body = Health(
                status: problem ?? "ok",
                version: BuildVersion.version,
                load: (HostFacts.real.load * 100).rounded() / 100
            )
            let json = (try? LinkJSON.encode(body)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
            send(
                problem == nil ? .ok : .serviceUnavailable,
                "application/json",
                json + "\n",
                for: head,
                context: context
            )
        case "/metrics":
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let eventLoop = context.eventLoop
            Task { [core] in
                let text = await core.metrics()
                eventLoop.execute {
                    let (handler, context) = bound.value
                    let type = "text/plain; version=0.0.4; charset=utf-8"
                    handler.send(.ok, type, text, for: head, context: context)
                }
            }
        default:
            send(.notFound, "text/plain", "there are /health and /metrics\n", for: head, context: context)
        }
    }

    private func send(
        _ status: HTTPResponseStatus,
        _ type: String,
        _ body: String,
        for head: HTTPRequestHead,
        context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: type)
        headers.add(name: "content-length", value: "\(body.utf8.count)")
        headers.add(name: "cache-control", value: "no-store")
        headers.add(name: "connection", value: "close")
        let response = HTTPResponseHead(version: head.version, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        }
        let end = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        end.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private struct Health: Encodable {
        var status: String
        var version: String
        var load: Double
    }
}
