internal import Crypto
internal import Foundation
internal import Identity
internal import IdentityCertificates
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Operations
internal import TestCertificates
internal import X509

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// A client that may misbehave: it sends any bytes, over TLS with any certificate, or over plain TCP.
final class RawPeer: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) { self.channel = channel }

    /// How the peer presents itself.
    struct Appearance {
        var certificate: NIOSSLCertificate?
        var key: NIOSSLPrivateKey?
        var alpn = ["pp-link/1"]
        var maximumVersion = TLSVersion.tlsv13

        /// As this package's client does.
        static func endpoint(_ key: IdentityKey) throws -> Appearance {
            try with(certificate: EndpointCertificate.make(for: key), key: key)
        }

        static func with(certificate: [UInt8], key: IdentityKey) throws -> Appearance {
            Appearance(
                certificate: try NIOSSLCertificate(bytes: certificate, format: .der),
                key: try NIOSSLPrivateKey(bytes: pkcs8(of: key), format: .der)
            )
        }

        /// With a key of another kind.
        static func p256(names: [GeneralName]) throws -> Appearance {
            let key = P256.Signing.PrivateKey()
            return Appearance(
                certificate: try NIOSSLCertificate(bytes: TestCertificate.make(key, names: names), format: .der),
                key: try NIOSSLPrivateKey(bytes: [UInt8](key.pemRepresentation.utf8), format: .pem)
            )
        }

        static func pkcs8(of key: IdentityKey) -> [UInt8] {
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
                + [UInt8](key.signingKey.rawRepresentation)
        }
    }

    /// Runs `body` with a TLS connection; throws when the handshake fails.
    static func withTLS<Result: Sendable>(
        _ reflector: TestReflector,
        _ appearance: Appearance,
        receiveBuffer: Int? = nil,
        _ body: @Sendable (Conversation) async throws -> Result
    ) async throws -> Result {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        tls.minimumTLSVersion = .tlsv12
        tls.maximumTLSVersion = appearance.maximumVersion
        tls.applicationProtocols = appearance.alpn
        tls.verifySignatureAlgorithms = [.ed25519]
        tls.signingSignatureAlgorithms = [.ed25519, .ecdsaSecp256R1Sha256]
        if let certificate = appearance.certificate { tls.certificateChain = [.certificate(certificate)] }
        if let key = appearance.key { tls.privateKey = .privateKey(key) }
        let context = try NIOSSLContext(configuration: tls)
        return try await connect(to: reflector.address.host, reflector.port, receiveBuffer, body) { channel in
            let handshake = channel.eventLoop.makePromise(of: Void.self)
            try channel.pipeline.syncOperations.addHandlers(
                NIOSSLClientHandler(context: context, serverHostname: nil),
                HandshakeWaiter(handshake)
            )
            return handshake.futureResult
        }
    }

    /// Runs `body` with a TCP connection.
    static func withTCP<Result: Sendable>(
        _ reflector: TestReflector,
        port: Int? = nil,
        _ body: @Sendable (Conversation) async throws -> Result
    ) async throws -> Result {
        try await connect(to: reflector.address.host, port ?? reflector.port, nil, body) {
            $0.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// Runs `body` with a connection to the control socket.
    static func withControlSocket<Result: Sendable>(
        _ reflector: TestReflector,
        _ body: @Sendable (Conversation) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: ControlSocket.path(inFolder: reflector.folder)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(Conversation(inbound, outbound))
        }
    }

    private static func connect<Result: Sendable>(
        to host: String,
        _ port: Int,
        _ receiveBuffer: Int?,
        _ body: @Sendable (Conversation) async throws -> Result,
        prepare: @escaping @Sendable (any Channel) throws -> EventLoopFuture<Void>
    ) async throws -> Result {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: false)
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(
                .socketOption(.so_rcvbuf),
                value: SocketOptionValue(receiveBuffer)
            )
        }
        let (channel, isReady) =
            try await bootstrap
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let isReady = try prepare(channel)
                    return (
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel), isReady
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await isReady.get()
            return try await body(Conversation(inbound, outbound))
        }
    }

    /// The bytes of a connection, in both directions.
    final class Conversation: @unchecked Sendable {
        private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLength)

        init(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>)
        {
            self.iterator = inbound.makeAsyncIterator()
            self.outbound = outbound
        }

        func send(_ bytes: some Sequence<UInt8>) async throws {
            try await outbound.write(ByteBuffer(bytes: Array(bytes)))
        }

        /// Sends a frame with this payload, which need be no message.
        func send(frame payload: String) async throws {
            var buffer = ByteBuffer()
            LinkFrame.encode(payload.utf8, into: &buffer)
            try await outbound.write(buffer)
        }

        func send(_ message: LinkMessage, id: String = "1") async throws {
            try await send(message, id: id, times: 1)
        }

        /// The same frame so many times in one write.
        func send(_ message: LinkMessage, id: String, times: Int) async throws {
            let frame = try LinkEnvelope(requestID: id, payload: message).frame()
            var bytes = ByteBuffer()
            for _ in 0..<times { bytes.writeImmutableBuffer(frame) }
            try await outbound.write(bytes)
        }

        /// The next message; nil when the connection ended instead, in whatever way.
        func next() async -> LinkEnvelope? {
            do {
                while true {
                    if let payload = try decoder.next() { return try LinkEnvelope.decode(payload) }
                    guard let bytes = try await iterator.next(isolation: nil) else { return nil }
                    decoder.append(bytes)
                }
            } catch {
                return nil
            }
        }

        /// Everything until the end of the connection, as text.
        func text() async -> String {
            var text = ""
            while let bytes = try? await iterator.next(isolation: nil) { text += String(buffer: bytes) }
            return text
        }

        /// Waits for the end of the connection; true when nothing came before it.
        func endsSilently() async -> Bool {
            var isSilent = true
            while let bytes = try? await iterator.next(isolation: nil) {
                isSilent = isSilent && bytes.readableBytes == 0
            }
            return isSilent
        }
    }
}

/// Tells when the client's side of the handshake is done, or that it never will be.
private final class HandshakeWaiter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<Void>

    init(_ promise: EventLoopPromise<Void>) { self.promise = promise }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { promise.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
