internal import Cryptography
internal import Foundation
internal import NIOCore
internal import NIOPosix

@testable import NetworkProtocol

/// A peer that speaks to a daemon byte by byte, as no client of this library would. For one task.
final class RawPeer {
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let bytes: AsyncStream<[UInt8]>.Continuation

        init(_ bytes: AsyncStream<[UInt8]>.Continuation) { self.bytes = bytes }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes.yield(Array(buffer: unwrapInboundIn(data)))
        }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { bytes.finish() }
            context.fireUserInboundEventTriggered(event)
        }
        func channelInactive(context: ChannelHandlerContext) { bytes.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            bytes.finish()
            context.close(promise: nil)
        }
    }

    let channel: any Channel
    private let incoming: AsyncStream<[UInt8]>
    private var buffered: [UInt8] = []
    private var decoder = PacketDecoder()

    private init(_ channel: any Channel, _ bytes: AsyncStream<[UInt8]>) {
        self.channel = channel
        incoming = bytes
    }

    /// - Parameters:
    ///   - reads: false for a peer that never reads.
    ///   - halfCloses: whether it stays connected after the other side has closed its direction.
    ///   - tls: whether it uses TLS below, as the test's client.
    ///   - group: its event loops.
    static func connect(
        _ daemon: TestDaemon,
        reads: Bool = true,
        halfCloses: Bool = false,
        tls: Bool = false,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> RawPeer {
        let (bytes, tell) = AsyncStream.makeStream(of: [UInt8].self)
        let makeTLS = tls ? try TLSContext.client(daemon.ends.clientTLS, host: "127.0.0.1") : nil
        let bootstrap = ClientBootstrap(group: group)
            .channelOption(.autoRead, value: reads)
            .channelOption(.allowRemoteHalfClosure, value: halfCloses)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let makeTLS { try channel.pipeline.syncOperations.addHandler(makeTLS()) }
                    try channel.pipeline.syncOperations.addHandler(Collector(tell))
                }
            }
        let channel =
            try await daemon.port == 0
            ? bootstrap.connect(unixDomainSocketPath: daemon.ends.socketPath).get()
            : bootstrap.connect(host: "127.0.0.1", port: daemon.port).get()
        return RawPeer(channel, bytes)
    }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Bytes that have arrived since; nil when the other side has closed.
    func read() async -> [UInt8]? {
        for await bytes in incoming { return bytes }
        return nil
    }

    /// Waits until the other side has closed.
    func untilClosed() async { while await read() != nil {} }

    /// The next packet; nil when the other side has closed.
    func packet() async throws -> Packet? {
        while true {
            var input = buffered[...]
            let packet = try decoder.next(&input)
            buffered = Array(input)
            if let packet { return packet }
            guard let more = await read() else { return nil }
            buffered += more
        }
    }

    func close() async { try? await channel.close() }
}

extension Channel {
    /// Closes the socket at once. For TCP this sends a reset instead of an orderly end (SO_LINGER with no time,
    /// socket(7)).
    func reset() async throws {
        if remoteAddress?.port != nil, let socket = self as? any SocketOptionProvider {
            try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try await cut()
    }

    /// Closes TCP below everything else, without Disconnect.
    func cut() async throws {
        try await pipeline.addHandler(Cutter(), position: .first)
        _ = try? await closeFuture.get()
    }
}

private final class Cutter: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer
    func handlerAdded(context: ChannelHandlerContext) { context.close(promise: nil) }
}

/// A packet with any flags and any payload.
func packet(_ payload: [UInt8], flags: PacketFlags = []) throws -> [UInt8] {
    try PacketHeader(flags: flags, payloadLength: payload.count).bytes + payload
}

func packet(_ message: Message) throws -> [UInt8] { try packet(message.payload()) }

/// A raw peer after the handshake, which seals anything.
struct SealedPeer: ~Copyable {
    let raw: RawPeer
    private var sealer: RecordSealer
    private var opener: RecordOpener

    private init(_ raw: RawPeer, _ result: HandshakeResult) {
        self.raw = raw
        let contexts = CipherContexts(capacity: 2)
        sealer = RecordSealer(secret: result.sending, contexts: contexts, now: .now)
        opener = RecordOpener(secret: result.receiving, contexts: contexts)
    }

    /// - Parameter trust: nil for the test client's.
    static func connect(_ daemon: TestDaemon, trust: Trust? = nil, halfCloses: Bool = false) async throws -> SealedPeer
    {
        let raw = try await RawPeer.connect(daemon, halfCloses: halfCloses)
        var generator = SystemRandomNumberGenerator()
        let initiator = HandshakeInitiator(
            trust: trust ?? daemon.ends.clientTrust,
            timestamp: WallClock.milliseconds,
            using: &generator
        )
        try await raw.send(try packet(.handshakeInit(initiator.opening)))
        guard let answer = try await raw.packet(),
            case .handshakeResponse(let response) = try Message(payload: answer.payload)
        else { throw ConnectionError.closedByPeer }
        let (confirm, result) = try initiator.receive(response)
        try await raw.send(try packet(.handshakeConfirm(confirm)))
        var peer = SealedPeer(raw, result)
        let accepted = try await peer.receive()
        guard accepted == .pong else { throw ConnectionError.closedByPeer }
        return peer
    }

    /// The bytes of the next record.
    mutating func record(_ payload: [UInt8], flags: PacketFlags = []) throws -> [UInt8] {
        let header = try PacketHeader(flags: flags.union(.encrypted), payloadLength: payload.count + 16)
        var bytes = payload + [UInt8](repeating: 0, count: 16)
        let head = header.bytes
        var span = bytes.mutableSpan
        var record = unsafe span.mutableBytes
        sealer.seal(&record, header: unsafe head.span.bytes)
        return head + bytes
    }

    /// Sends an empty record, and takes the next key.
    mutating func changeKey() async throws { try await raw.send(try keyChange()) }

    /// The bytes of an empty record; later records use the next key.
    mutating func keyChange() throws -> [UInt8] {
        let bytes = try record([])
        sealer.rekey(now: .now)
        return bytes
    }

    mutating func send(_ message: Message) async throws { try await raw.send(try record(message.payload())) }

    mutating func receive() async throws -> Message? {
        guard let packet = try await raw.packet(), let payload = opener.open(packet) else { return nil }
        return try Message(payload: payload)
    }
}
