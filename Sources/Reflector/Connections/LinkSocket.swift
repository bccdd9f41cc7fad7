internal import Identity
internal import LinkMeasurement
internal import NIOCore

/// Stands between the socket of a connection and TLS. It makes no TLS before a ClientHello has come, counts every byte that
/// comes and goes, and can close the connection without waiting for TLS.
///
///     silent ──ClientHello──▶ greeting ──known peer──▶ control ──tunnel_open──▶ tunnel
///
/// Who pays for the bytes: in `silent` and `greeting` the memory of those that are not authorised, which pushes out the oldest
/// of them; in `control` the peer's budget, both ways; in `tunnel` the test, and the peer's budget for what comes beyond twice
/// the payload that the test has counted: records of one byte, changes of keys, what nobody takes while TLS closes.
final class LinkSocket: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Most bytes of a connection until it is authorised: a ClientHello and a chain of certificates as large as TLS reads them,
    /// and one frame of a stranger.
    static let mostUnauthorised = 192 << 10
    /// Bytes of a tunnel that need no payload: TLS's own, and small messages of iperf3.
    static let tunnelSlack = 64 << 10
    /// One read until TLS is made, and from then on until the connection becomes a tunnel.
    static let silentReadSize = 2 << 10
    static let readSize = 16 << 10

    private enum Toll {
        /// What has come of the ClientHello.
        case silent(ByteBuffer)
        case greeting
        case control(EndpointID)
        case tunnel(EndpointID)
    }

    private let id: ConnectionID
    private let ledger: ConnectionLedger
    private let budgets: ControlBudgets
    private let makeTLS: (any Channel, LinkSocket) throws -> Void
    private var toll = Toll.silent(ByteBuffer())
    private var context: ChannelHandlerContext?
    /// Bytes that came before the connection was authorised.
    private var unauthorised = 0
    /// Bytes that came in the tunnel, what of it the test has counted, and what the peer's budget has.
    private var tunneled = 0
    private var payload = 0
    private var charged = 0
    /// Nothing holds it back while its peer's budget is spent: it ends, and what comes is read until TLS is done and used by no
    /// one, or it is HTTP.
    private var isClosing = false

    /// - Parameter makeTLS: adds the handlers of TLS and of the link behind this one.
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

    // MARK: Who pays

    /// The connection is a known peer's; `held` bytes of it have come already.
    func becomesControl(of peer: EndpointID, held: Int) {
        toll = .control(peer)
        budgets.charge(held, to: peer)
    }

    func becomesTunnel(of peer: EndpointID) { toll = .tunnel(peer) }

    /// The test has counted bytes of this tunnel.
    func counted(_ bytes: Int) { payload = payload.addingHeld(bytes) }

    /// That of a channel, for the handlers of its tunnel; nil when the channel has none. On its event loop.
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
        switch toll {
        case .silent(let held):
            guard grows(by: count) else { return context.close(promise: nil) }
            greet(context, held, bytes)
        case .greeting:
            guard grows(by: count) else { return context.close(promise: nil) }
            context.fireChannelRead(data)
        case .control(let peer):
            budgets.charge(count, to: peer)
            // A connection that lives on is not read any more by the one who reads its frames.
            if isClosing, budgets.wait(of: peer) > .zero { return context.close(promise: nil) }
            context.fireChannelRead(data)
        case .tunnel:
            tunneled += count
            context.fireChannelRead(data)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        guard case .tunnel(let peer) = toll else { return }
        let excess = tunneled.addingHeld(-payload).addingHeld(-payload) - Self.tunnelSlack - charged
        guard excess > 0 else { return }
        charged += excess
        budgets.charge(excess, to: peer)
        guard budgets.wait(of: peer) > .zero else { return }
        // Not at once: NIO looks for the end of the input after this call, and in a build for debugging traps when the channel is
        // closed by then.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .control(let peer) = toll { budgets.charge(unwrapOutboundIn(data).readableBytes, to: peer) }
        context.write(data, promise: promise)
    }

    private func grows(by count: Int) -> Bool {
        unauthorised += count
        ledger.grows(id, by: count)
        return unauthorised <= Self.mostUnauthorised
    }

    private func greet(_ context: ChannelHandlerContext, _ earlier: ByteBuffer, _ bytes: ByteBuffer) {
        var held = earlier
        // A copy of its own size: what the channel read into is as large as a read.
        held.writeImmutableBuffer(bytes)
        guard ClientHello.mayBegin(held) else {
            toll = .silent(held)
            return
        }
        toll = .greeting
        ledger.greets(id)
        do {
            let options = context.channel.syncOptions
            try options?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readSize))
            try makeTLS(context.channel, self)
        } catch { return context.close(promise: nil) }
        context.fireChannelRead(wrapInboundOut(held))
    }
}
