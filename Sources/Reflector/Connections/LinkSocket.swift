internal import Identity
internal import LinkMeasurement
internal import NIOCore

/// A handler between a connection's socket and TLS. It creates no TLS before a ClientHello has arrived, counts every
/// byte in both directions, and can close the connection without waiting for TLS.
///
///     silent ──ClientHello──▶ greeting ──known peer──▶ control ──tunnel_open──▶ tunnel
///
/// What the bytes are charged to: in `silent` and `greeting`, the memory of unauthorized connections, which evicts the
/// oldest of them; in `control`, the peer's budget, both directions; in `tunnel`, the test, and the peer's budget for
/// what exceeds twice the payload that the test has counted: records of one byte, key updates, bytes that arrive while
/// TLS closes.
final class LinkSocket: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Most bytes of a connection until it is authorized: a ClientHello and a certificate chain as large as TLS
    /// accepts, and one frame of a stranger.
    static let mostUnauthorized = 192 << 10
    /// Bytes of a tunnel that need no payload: TLS's own, and small messages of iperf3.
    static let tunnelSlack = 64 << 10
    /// Size of a read until TLS is created, and from then on until the connection becomes a tunnel.
    static let silentReadSize = 2 << 10
    static let readSize = 16 << 10

    private enum Stage {
        /// What has arrived of the ClientHello.
        case silent(ByteBuffer)
        case greeting
        case control(EndpointID)
        case tunnel(EndpointID)
    }

    private let id: ConnectionID
    private let ledger: ConnectionLedger
    private let budgets: ControlBudgets
    private let makeTLS: (any Channel, LinkSocket) throws -> Void
    private var stage = Stage.silent(ByteBuffer())
    private var context: ChannelHandlerContext?
    /// Bytes that arrived before the connection was authorized.
    private var unauthorized = 0
    /// Bytes that arrived in the tunnel, how many of them the test has counted, and how many the peer's budget has.
    private var tunneled = 0
    private var payload = 0
    private var charged = 0
    /// Nothing holds it back while its peer's budget is spent: it ends, and its bytes are read until TLS is done and
    /// dropped, or it is HTTP.
    private var isClosing = false

    /// - Parameter makeTLS: adds the handlers of TLS and of the link after this one.
    init(
        id: ConnectionID,
        ledger: ConnectionLedger,
        budgets: ControlBudgets,
        makeTLS: @escaping (any Channel, LinkSocket) throws -> Void
    ) {
        self.id = id
        self.ledger = ledger
        self.budgets = budgets
        self.makeTLS = makeTLS
    }

    // MARK: Accounting

    /// The connection is a known peer's; `held` bytes of it have already arrived.
    func becomesControl(of peer: EndpointID, held: Int) {
        stage = .control(peer)
        budgets.charge(held, to: peer)
    }

    func becomesTunnel(of peer: EndpointID) { stage = .tunnel(peer) }

    /// The test has counted bytes of this tunnel.
    func counted(_ bytes: Int) { payload = payload.addingHeld(bytes) }

    /// A channel's, for the handlers of its tunnel; nil if the channel has none. On its event loop.
    static func counting(_ channel: any Channel) -> NIOLoopBound<LinkSocket>? {
        (try? channel.pipeline.syncOperations.handler(type: LinkSocket.self)).map {
            NIOLoopBound($0, eventLoop: channel.eventLoop)
        }
    }

    func closes() { isClosing = true }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        let count = bytes.readableBytes
        switch stage {
        case .silent(let held):
            guard grows(by: count) else { return context.close(promise: nil) }
            greet(context, held, bytes)
        case .greeting:
            guard grows(by: count) else { return context.close(promise: nil) }
            context.fireChannelRead(data)
        case .control(let peer):
            budgets.charge(count, to: peer)
            // Once the tunnel has its own handlers, the reader of frames no longer reads from the connection.
            if isClosing, budgets.wait(of: peer) > .zero { return context.close(promise: nil) }
            context.fireChannelRead(data)
        case .tunnel:
            tunneled += count
            context.fireChannelRead(data)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        guard case .tunnel(let peer) = stage else { return }
        let excess = tunneled.addingHeld(-payload).addingHeld(-payload) - Self.tunnelSlack - charged
        guard excess > 0 else { return }
        charged += excess
        budgets.charge(excess, to: peer)
        guard budgets.wait(of: peer) > .zero else { return }
        // Not at once: NIO looks for the end of the input after this call, and a debug build traps if the channel is
        // closed by then.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .control(let peer) = stage { budgets.charge(unwrapOutboundIn(data).readableBytes, to: peer) }
        context.write(data, promise: promise)
    }

    private func grows(by count: Int) -> Bool {
        unauthorized += count
        ledger.grows(id, by: count)
        return unauthorized <= Self.mostUnauthorized
    }

    private func greet(_ context: ChannelHandlerContext, _ earlier: ByteBuffer, _ bytes: ByteBuffer) {
        var held = earlier
        // A copy of its own size: the read buffer is as large as a read.
        held.writeImmutableBuffer(bytes)
        guard ClientHello.mayBegin(held) else {
            stage = .silent(held)
            return
        }
        stage = .greeting
        ledger.greets(id)
        do {
            let options = context.channel.syncOptions
            try options?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readSize))
            try makeTLS(context.channel, self)
        } catch { return context.close(promise: nil) }
        context.fireChannelRead(wrapInboundOut(held))
    }
}
