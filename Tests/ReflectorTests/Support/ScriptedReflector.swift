import Identity
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

@testable import Reflector

/// A reflector with a key of its own that answers as the test says: an older one, a slow one, one that lies.
final class ScriptedReflector: Sendable {
    /// The answer to a request; nil is silence.
    typealias Script = @Sendable (LinkMessage) -> LinkMessage?

    private struct State {
        var asked: [LinkMessage] = []
        var open = 0
    }

    let address: ReflectorAddress
    private let listener: any Channel
    private let record: Record

    private final class Record: Sendable {
        let state = Mutex(State())
    }

    private init(address: ReflectorAddress, listener: any Channel, record: Record) {
        self.address = address
        self.listener = listener
        self.record = record
    }

    /// All that was asked so far, by every connection.
    var asked: [LinkMessage] { record.state.withLock { $0.asked } }
    /// Connections that are open now.
    var openConnections: Int { record.state.withLock { $0.open } }

    /// Waits until the last that was asked is to close this test: the client does not wait long for the answer to that.
    func closes(_ testID: String) async throws {
        let close = LinkMessage.sessionClose(SessionClose(testID: testID))
        try await eventually("the test is closed") { asked.last == close ? true : nil }
    }

    /// Listens on loopback while `body` runs.
    /// - Parameter hangsUp: whether this request ends the connection, without the farewell of TLS.
    static func with(
        _ script: @escaping Script,
        hangsUp: @escaping @Sendable (LinkMessage) -> Bool = { _ in false },
        _ body: (ScriptedReflector) async throws -> Void
    ) async throws {
        let key = IdentityKey()
        let context = try EndpointTLS.serverContext(key: key, applicationProtocols: ["pp-link/1"])
        let record = Record()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = NIOSSLServerHandler(
                        context: context,
                        customVerificationCallback: { $1.succeed(.certificateVerified) }
                    )
                    try channel.pipeline.syncOperations.addHandlers(tls, Answering(script, hangsUp, record))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = ReflectorAddress(
            host: "127.0.0.1",
            port: listener.localAddress?.port ?? 0,
            endpointID: key.endpointID
        )
        do {
            try await body(ScriptedReflector(address: address, listener: listener, record: record))
            try await listener.close()
        } catch {
            try? await listener.close()
            throw error
        }
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: Script
        private let hangsUp: @Sendable (LinkMessage) -> Bool
        private let record: Record
        private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLength)

        init(_ script: @escaping Script, _ hangsUp: @escaping @Sendable (LinkMessage) -> Bool, _ record: Record) {
            self.script = script
            self.hangsUp = hangsUp
            self.record = record
        }

        func channelActive(context: ChannelHandlerContext) {
            record.state.withLock { $0.open += 1 }
            context.fireChannelActive()
        }

        func channelInactive(context: ChannelHandlerContext) {
            record.state.withLock { $0.open -= 1 }
            context.fireChannelInactive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            decoder.append(unwrapInboundIn(data))
            do {
                while let payload = try decoder.next() {
                    let envelope = try LinkEnvelope.decode(payload)
                    record.state.withLock { $0.asked.append(envelope.payload) }
                    if hangsUp(envelope.payload) {
                        let tls = try context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
                        return tls.close(promise: nil)
                    }
                    guard let answer = script(envelope.payload) else { continue }
                    let frame = try LinkEnvelope(requestID: envelope.requestID, payload: answer).frame()
                    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
                }
            } catch {
                context.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
