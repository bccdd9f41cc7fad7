internal import Logging
internal import NIOCore
internal import NIOPosix

/// A cluster's UDP socket, which is reopened when it breaks. Everything happens on its event loop.
///
/// A datagram that the system refuses to send (no route to the network, a firewall rule) closes a NIO channel. So the
/// socket is reopened on the same port, and nothing is sent for a while to the address of that datagram.
final class ClusterSocket {
    private static let shortestPause = TimeAmount.milliseconds(10)
    private static let longestPause = TimeAmount.seconds(1)
    /// How long nothing is sent to an address to which sending failed.
    private static let avoidance = TimeAmount.seconds(5)
    /// Addresses that are avoided at once.
    private static let avoidedLimit = 256
    /// Most datagrams to read before the event loop's other work gets its turn.
    static let readBudget = 16

    let eventLoop: any EventLoop
    private(set) var address: MemberAddress
    /// By message: other members claim addresses that cannot be sent to.
    private let log: PeerLog<String>
    private var channel: (any Channel)?
    private var isClosed = false
    private var pause = ClusterSocket.shortestPause
    private var avoided: [MemberAddress: NIODeadline] = [:]
    private var hasBlamed = false
    var onDatagram: (([UInt8], MemberAddress) -> Void)?

    init(eventLoop: any EventLoop, address: MemberAddress, logger: Logger) {
        self.eventLoop = eventLoop
        self.address = address
        log = PeerLog(logger, LogLimit(burst: 16))
    }

    /// Opens the socket; afterward ``address`` has the port that the system chose.
    func open() -> EventLoopFuture<Void> {
        guard let bound = address.socketAddress(inIPv6: false) else { return eventLoop.makeSucceededVoidFuture() }
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        return DatagramBootstrap(group: eventLoop)
            .channelOption(.maxMessagesPerRead, value: UInt(Self.readBudget))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ClusterHandler(loopBound.value))
                }
            }
            .bind(to: bound)
            .hop(to: eventLoop)
            .map { channel in loopBound.value.opened(channel) }
    }

    func close() {
        isClosed = true
        onDatagram = nil
        channel?.close(promise: nil)
        channel = nil
    }

    /// False if it cannot be sent from here or now.
    func send(_ bytes: [UInt8], to target: MemberAddress) -> Bool {
        guard let channel, channel.isWritable, reaches(target), !avoids(target),
            let remote = target.socketAddress(inIPv6: !address.isIPv4)
        else { return false }
        let envelope = AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: bytes))
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        channel.writeAndFlush(envelope).whenFailure { error in loopBound.value.failedToSend(to: target, error) }
        return true
    }

    /// A socket for one IPv6 address sends to no IPv4 address, one for IPv4 to no IPv6 address.
    private func reaches(_ target: MemberAddress) -> Bool {
        target.isIPv4 == address.isIPv4 || (target.isIPv4 && address.isUnspecified)
    }

    private func avoids(_ target: MemberAddress) -> Bool {
        guard let end = avoided[target] else { return false }
        if NIODeadline.now() < end { return true }
        avoided[target] = nil
        return false
    }

    private func opened(_ channel: any Channel) {
        if isClosed { return channel.close(promise: nil) }
        self.channel = channel
        hasBlamed = false
        guard channel.isActive else { return broke(channel) }
        if let local = channel.localAddress.flatMap({ MemberAddress($0) }) { address = address.withPort(local.port) }
    }

    fileprivate func received(_ envelope: AddressedEnvelope<ByteBuffer>) {
        pause = Self.shortestPause
        guard let source = MemberAddress(envelope.remoteAddress) else { return }
        onDatagram?(Array(buffer: envelope.data), source)
    }

    fileprivate func broke(_ broken: any Channel) {
        guard !isClosed, let current = channel, current === broken else { return }
        channel = nil
        reopen()
    }

    private func reopen() {
        let wait = pause
        pause = min(wait * 2, Self.longestPause)
        log.write(.debug, "socket opened again", topic: "reopened", ["address": "\(address)"])
        eventLoop.assumeIsolated().scheduleTask(in: wait) { [self] in
            guard !isClosed else { return }
            let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
            open().whenFailure { error in
                let socket = loopBound.value
                socket.log.write(.info, "cannot listen again", topic: "closed", ["error": "\(error)"])
                socket.reopen()
            }
        }
    }

    /// When a socket breaks, the first datagram that fails is the one that the system refused; the later ones fail
    /// because the socket is closed.
    private func failedToSend(to target: MemberAddress, _ error: any Error) {
        guard !leavesOpen(error), !hasBlamed else { return }
        hasBlamed = true
        if avoided.count >= Self.avoidedLimit { avoided = [:] }
        avoided[target] = .now() + Self.avoidance
        log.write(.debug, "datagram not sent", topic: "unsent", ["peer": "\(target)", "error": "\(error)"])
    }
}

extension ClusterSocket {
    /// Errors that cost a datagram but not the socket: too long, or a host that does not exist according to the routes.
    private func leavesOpen(_ error: any Error) -> Bool {
        switch error {
        case ChannelError.writeMessageTooLarge, ChannelError.writeHostUnreachable: true
        default: false
        }
    }
}

/// Hands datagrams to the socket's owner, and notifies it when the channel is closed.
private final class ClusterHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let socket: ClusterSocket

    init(_ socket: ClusterSocket) { self.socket = socket }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { socket.received(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) {
        socket.broke(context.channel)
        context.fireChannelInactive()
    }

    /// The probes also detect what a socket reports, for example that a peer's port is closed.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
