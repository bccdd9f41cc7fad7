internal import LinkMeasurement
internal import NIOCore
internal import PacketIO

/// Answers the echo datagrams of a tunnel.
final class TunnelEchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Replies of one round of reading, in bytes; beyond it the connection ends.
    static let maximumPending = 4 << 20

    private let session: LiveSession
    private let token: AccessToken
    private let packetsPerSecond: Int
    private var responder = EchoResponder()
    private var decoder = EchoFrameDecoder()
    private var socket: NIOLoopBound<LinkSocket>?
    private var replies = ByteBuffer()
    private var isRefused = false
    private var isReading = true
    private var waitsForAccounts = false
    private var scratch = [UInt8](repeating: 0, count: EchoDatagram.headerLength)

    init(session: LiveSession, token: AccessToken, packetsPerSecond: Int) {
        self.session = session
        self.token = token
        self.packetsPerSecond = packetsPerSecond
    }

    func handlerAdded(context: ChannelHandlerContext) {
        socket = LinkSocket.counting(context.channel)
        let permit = EchoPermit(token: token, peer: .tunnel(0), maximumPacketsPerSecond: packetsPerSecond)
        // An empty responder has room for its one permit.
        try? responder.admit(permit)
    }

    func handlerRemoved(context: ChannelHandlerContext) { settle() }

    func channelInactive(context: ChannelHandlerContext) {
        settle()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Drops what TLS still delivers while it closes.
        guard !isRefused else { return }
        decoder.append(unwrapInboundIn(data))
        let receivedAt = KernelClock.realtime
        let now = KernelClock.monotonic
        var mustWait = false
        do {
            while let datagram = try decoder.next() {
                socket?.value.counted(datagram.readableBytes)
                let verdict = session.spend(datagram.readableBytes * 2)
                guard verdict != .stop, answer(datagram, receivedAt: receivedAt, now: now) else {
                    return refuse(context)
                }
                mustWait = verdict == .wait
            }
        } catch { return refuse(context) }
        guard replies.readableBytes < Self.maximumPending else { return refuse(context) }
        if mustWait { waitForAccounts(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard replies.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(replies), promise: nil)
        replies = ByteBuffer()
        regulateReads(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        regulateReads(context)
        context.fireChannelWritabilityChanged()
    }

    /// Reads while the replies are taken and the accounts cover what moves.
    private func regulateReads(_ context: ChannelHandlerContext) {
        let reads = context.channel.isWritable && !waitsForAccounts
        guard reads != isReading else { return }
        isReading = reads
        try? context.channel.syncOptions?.setOption(.autoRead, value: reads)
    }

    private func waitForAccounts(_ context: ChannelHandlerContext) {
        guard !waitsForAccounts else { return }
        waitsForAccounts = true
        regulateReads(context)
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: eventLoop)
        TunnelMeter(session, .up).whenReady {
            eventLoop.execute {
                let (handler, context) = bound.value
                handler.waitsForAccounts = false
                handler.regulateReads(context)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isRefused = true
        AbruptClose.close(context.channel)
    }

    /// False if the datagram does not belong to this test.
    private func answer(_ datagram: ByteBuffer, receivedAt: Int64, now: Int64) -> Bool {
        let length = datagram.readableBytes
        if scratch.count != length { scratch = [UInt8](repeating: 0, count: length) }
        // In place: a test's datagrams all have one length.
        scratch.replaceSubrange(0..<length, with: datagram.readableBytesView)
        let verdict = responder.respond(to: &scratch, from: .tunnel(0), receivedAt: receivedAt, now: now) {
            session.takeEchoDatagram(packetsPerSecond: packetsPerSecond, now: now)
        }
        switch verdict {
        case .reply:
            EchoDatagram.setServerSend(KernelClock.realtime, in: &scratch)
            EchoFrame.encode(scratch, into: &replies)
            return true
        case .drop(.rate), .drop(.budget):
            return true
        case .drop:
            return false
        }
    }

    private func settle() {
        if let counters = responder.revoke(token) { session.echoEnded(counters) }
    }
}
