internal import NIOCore
internal import PacketIO

// Echo datagrams inside a TLS stream, each as:
//
//   offset  size  field
//   0       2     length N, unsigned, big endian
//   2       N     the datagram, as over UDP

/// Answers the echo datagrams of a tunnel.
final class TunnelEchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    static let lengthSize = 2
    /// Replies that wait for a client which does not read them, in bytes; beyond it the connection ends.
    static let maximumPending = 1 << 20

    private let session: LiveSession
    private let token: AccessToken
    private let packetsPerSecond: Int
    private var responder = EchoResponder()
    private var buffered = ByteBuffer()
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
        var bytes = unwrapInboundIn(data)
        buffered.discardReadBytes()
        buffered.writeBuffer(&bytes)
        let receivedAt = KernelClock.realtime
        let now = KernelClock.monotonic
        while let length = buffered.getInteger(at: buffered.readerIndex, as: UInt16.self).map(Int.init) {
            guard (EchoDatagram.headerLength...EchoDatagram.maximumLength).contains(length) else {
                return context.close(promise: nil)
            }
            guard buffered.readableBytes >= Self.lengthSize + length else { break }
            buffered.moveReaderIndex(forwardBy: Self.lengthSize)
            guard let datagram = buffered.readSlice(length: length),
                session.spend(length * 2),
                answer(datagram, receivedAt: receivedAt, now: now)
            else { return context.close(promise: nil) }
        }
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
            replies.writeInteger(UInt16(length))
            replies.writeBytes(scratch)
            return true
        case .drop(.rate), .drop(.budget):
            return true
        case .drop, .spent:
            return false
        }
    }

    private func settle() {
        if let counters = responder.revoke(token) { session.echoEnded(counters) }
    }
}
