internal import Identity
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// What the person at the terminal reads when something else than a reflector answers.
@Suite("A port that is not a reflector's", .timeLimit(.minutes(3)))
struct HandshakeFailureTests {
    /// The error if this program listens on the other side; it is ended afterward.
    private func said(
        _ initializer: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> String {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try initializer(channel) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = ReflectorAddress(
            host: "127.0.0.1",
            port: listener.localAddress?.port ?? 0,
            endpointID: IdentityKey().endpointID
        )
        let context = try LinkClient.context(for: IdentityKey())
        let error = await failure { try await LinkClient.connect(to: address, context: context) }
        try await listener.close()
        let text = "\(try #require(error as? LinkClientError))"
        for part in ["BoringSSL", "OPENSSL", "SSL routines", "NIOSSL", ".cc:", "/work", "Error:", "ChannelError"] {
            #expect(!text.contains(part), "\(text)")
        }
        return text
    }

    private func server(_ change: (inout TLSConfiguration) -> Void) throws -> @Sendable (any Channel) throws -> Void {
        let appearance = try RawPeer.Appearance.p256(names: [])
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try #require(appearance.certificate))],
            privateKey: .privateKey(try #require(appearance.key))
        )
        change(&configuration)
        let context = try NIOSSLContext(configuration: configuration)
        return { try $0.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
    }

    @Test func `a service without TLS is not taken for a reflector`() async throws {
        let text = try await said { channel in
            try channel.pipeline.syncOperations.addHandler(Answering("HTTP/1.1 400 Bad Request\r\n\r\n"))
        }
        #expect(text.contains("it does not speak TLS; is that the port of a reflector"), "\(text)")
    }

    @Test func `a service that ends the connection is not taken for a reflector`() async throws {
        let text = try await said { channel in
            try channel.pipeline.syncOperations.addHandler(Answering(nil))
        }
        #expect(text.contains("closed the connection during the handshake"), "\(text)")
    }

    @Test func `a service with TLS 1.2 only is not taken for a reflector`() async throws {
        let text = try await said(server { $0.maximumTLSVersion = .tlsv12 })
        #expect(text.contains("it does not support TLS 1.3"), "\(text)")
    }

    @Test func `a service with another kind of key is not taken for a reflector`() async throws {
        let text = try await said(server { $0.minimumTLSVersion = .tlsv13 })
        #expect(text.contains("it has no Ed25519 key"), "\(text)")
    }

    @Test(
        arguments: [
            ("268435703 error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at /x/y.cc:231", "speak TLS"),
            ("OPENSSL_internal:TLSV1_ALERT_PROTOCOL_VERSION", "not support TLS 1.3"),
            ("OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE", "Ed25519"),
            ("OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA", "certificate"),
            ("OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED", "certificate"),
            ("OPENSSL_internal:TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "Paramedic Link"),
            ("Error:  EOF during handshake", "closed the connection"),
            ("OPENSSL_internal:SOMETHING_NEW at /x/y.cc:1", "does not fit"),
        ]
    )
    func `every name that the library gives has words, and none of them is shown`(text: String, words: String) {
        let said = HandshakeFailure.describe(named: text)
        #expect(said.contains(words))
        #expect(!said.contains("OPENSSL") && !said.contains(".cc"))
    }

    /// Answers the first bytes with this, or hangs up.
    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: String?

        init(_ answer: String?) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let answer else { return context.close(promise: nil) }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        }
    }
}
