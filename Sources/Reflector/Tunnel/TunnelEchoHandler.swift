internal import NIOCore
internal import PacketIO

/// Answers the echo datagrams of a tunnel.
final class TunnelEchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Replies that wait for a client which does not read them, in bytes; beyond it the connection ends.
    static let maximumPending = 1 << 20

    private let session: LiveSession
    private let token: AccessToken
    private let packetsPerSecond: Int
    private var responder = EchoResponder()
    private var decoder = EchoFrameDecoder()
    private var replies = ByteBuffer()
    private var scratch = [UInt8](repeating: 0, count: EchoDatagram.headerLength)

    init(session: LiveSession, token: AccessToken, packetsPerSecond: Int) {
        self.session = session
        self.token = token
        self.packetsPerSecond = packetsPerSecond
    }

    func handlerAdded(context: ChannelHandlerContext) {
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
        decoder.append(unwrapInboundIn(data))
        let receivedAt = KernelClock.realtime
        let now = KernelClock.monotonic
        do {
            while let datagram = try decoder.next() {
                let verdict = session.spend(datagram.readableBytes * 2)
                guard verdict != .stop, answer(datagram, receivedAt: receivedAt, now: now) else {
                    return context.close(promise: nil)
                }
                if verdict == .wait { TunnelMeter(session, .up).pauseReading(context.channel) }
            }
        } catch { return context.close(promise: nil) }
        guard replies.readableBytes < Self.maximumPending else { return context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard replies.readableBytes > 0 else { return }
        guard context.channel.isWritable else { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(replies), promise: nil)
        replies = ByteBuffer()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// False when the datagram is not of this test.
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
