internal import Identity
internal import IdentityCertificates
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// A reflector with a key of its own that answers as the test says: an older one, a slow one, one that lies.
final class ScriptedReflector: Sendable {
    /// The answer to a request; nil is silence.
    typealias Script = @Sendable (LinkMessage) -> LinkMessage?

    /// What it does with a tunnel that it has opened.
    enum Tunnel: Sendable {
        /// Takes what comes; sends what is received, or returns what is to be returned. Hangs up after so many
        /// milliseconds.
        case serves(cutAfterMs: Int64?)
        /// Takes what comes and sends nothing.
        case mute
        /// Answers the first bytes with what is no frame.
        case garbage
    }

    /// What becomes of a tunnel; they are counted from 1.
    typealias Tunnels = @Sendable (_ number: Int) -> Tunnel

    private struct State {
        var tunnels = 0
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
    /// - Parameters:
    ///   - hangsUp: whether this request ends the connection, without the farewell of TLS.
    ///   - tunnels: what becomes of the tunnels that it opens.
    ///   - raw: what is sent instead of an answer.
    static func with(
        _ script: @escaping Script,
        hangsUp: @escaping @Sendable (LinkMessage) -> Bool = { _ in false },
        tunnels: @escaping Tunnels = { _ in .serves(cutAfterMs: nil) },
        raw: @escaping @Sendable (LinkMessage) -> ByteBuffer? = { _ in nil },
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
                    try channel.pipeline.syncOperations.addHandlers(
                        tls,
                        Answering(script, hangsUp, tunnels, raw, record)
                    )
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
        private let tunnels: Tunnels
        private let raw: @Sendable (LinkMessage) -> ByteBuffer?
        private let record: Record
        private var tunnel: (Tunnel, StreamDirection?)?
        private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLength)

        init(
            _ script: @escaping Script,
            _ hangsUp: @escaping @Sendable (LinkMessage) -> Bool,
            _ tunnels: @escaping Tunnels,
            _ raw: @escaping @Sendable (LinkMessage) -> ByteBuffer?,
            _ record: Record
        ) {
            self.script = script
            self.hangsUp = hangsUp
            self.tunnels = tunnels
            self.raw = raw
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
            if let (tunnel, direction) = tunnel {
                switch tunnel {
                case .serves where direction == nil: context.writeAndFlush(data, promise: nil)
                case .garbage:
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(repeating: 0xFF, count: 64)), promise: nil)
                case .serves, .mute: break
                }
                return
            }
            decoder.append(unwrapInboundIn(data))
            do {
                while let payload = try decoder.next() {
                    let envelope = try LinkEnvelope.decode(payload)
                    record.state.withLock { $0.asked.append(envelope.payload) }
                    if hangsUp(envelope.payload) {
                        return try hangUp(context)
                    }
                    if let bytes = raw(envelope.payload) {
                        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
                        continue
                    }
                    guard let answer = script(envelope.payload) else { continue }
                    let frame = try LinkEnvelope(requestID: envelope.requestID, payload: answer).frame()
                    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
                    if case .tunnelOpen(let open) = envelope.payload, answer == .ok { begin(open, context) }
                }
            } catch {
                context.close(promise: nil)
            }
        }

        /// Without the farewell of TLS.
        private func hangUp(_ context: ChannelHandlerContext) throws {
            try context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self).close(promise: nil)
        }

        private func begin(_ open: TunnelOpen, _ context: ChannelHandlerContext) {
            let number = record.state.withLock { state in
                state.tunnels += 1
                return state.tunnels
            }
            let kind = tunnels(number)
            tunnel = (kind, open.direction)
            guard case .serves(let cutAfterMs) = kind else { return }
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            if let cutAfterMs {
                context.eventLoop.scheduleTask(in: .milliseconds(cutAfterMs)) {
                    let (handler, context) = bound.value
                    try handler.hangUp(context)
                }
            }
            if open.direction == .down { send(context) }
        }

        /// Some of a download, again and again.
        private func send(_ context: ChannelHandlerContext) {
            guard context.channel.isActive else { return }
            if context.channel.isWritable {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(repeating: 1, count: 16_384)), promise: nil)
            }
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .milliseconds(5)) {
                let (handler, context) = bound.value
                handler.send(context)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
