package import Identity
internal import IdentityCertificates
package import LinkMeasurement
package import NIOCore
internal import NIOPosix
package import NIOSSL
internal import PacketIO
internal import Synchronization

/// The address of a reflector and the key that it must present.
package struct ReflectorAddress: Sendable, Equatable, Codable {
    package var host: String
    package var port: Int
    package var endpointID: EndpointID

    package init(host: String, port: Int, endpointID: EndpointID) {
        self.host = host
        self.port = port
        self.endpointID = endpointID
    }

    enum CodingKeys: String, CodingKey {
        case host, port
        case endpointID = "endpoint_id"
    }

    package var hostAndPort: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// One authenticated connection to a reflector. The reflector's key is checked before we send the first byte.
package final class LinkClient: Sendable {
    /// Seconds for the connection, for the handshake, and for an answer.
    static let connectSeconds = 10
    static let answerSeconds = 30
    /// Seconds for the result of a finished test: the reflector has nothing left to do for it.
    static let resultSeconds = 10

    package let address: ReflectorAddress
    package let channel: any Channel
    private let handler: NIOLoopBound<LinkClientHandler>
    private let nextID = Atomic<UInt64>(1)
    /// Whether anything but an error was ever answered here.
    private let hasAnswered = Atomic<Bool>(false)

    private init(address: ReflectorAddress, channel: any Channel, handler: NIOLoopBound<LinkClientHandler>) {
        self.address = address
        self.channel = channel
        self.handler = handler
    }

    /// The TLS context of this machine, for any number of connections.
    package static func context(for key: IdentityKey, alpn: String = "pp-link/1") throws -> NIOSSLContext {
        try EndpointTLS.clientContext(key: key, applicationProtocols: [alpn])
    }

    package static func connect(
        to address: ReflectorAddress,
        context: NIOSSLContext,
        alpn: String = "pp-link/1",
        forBulk: Bool = false,
        on eventLoop: (any EventLoop)? = nil
    ) async throws -> LinkClient {
        let verdict = VerdictBox()
        let loop = eventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
        let handshake = loop.makePromise(of: Void.self)
        let channel: any Channel
        let bound: NIOLoopBound<LinkClientHandler>
        do {
            (channel, bound) = try await untilCanceled(handshake) {
                try await ClientBootstrap(group: loop)
                    .connectTimeout(.seconds(Int64(connectSeconds)))
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: address.host, port: address.port) { channel in
                        // Also if it fails before it is connected: by cancellation.
                        handshake.futureResult.whenFailure { _ in channel.close(promise: nil) }
                        return channel.eventLoop.makeCompletedFuture {
                            let tls = try NIOSSLClientHandler(
                                context: context,
                                serverHostname: nil,
                                customVerificationCallback: { certificates, promise in
                                    promise.succeed(verdict.judge(certificates, expected: address.endpointID))
                                }
                            )
                            let handler = LinkClientHandler(alpn: alpn, handshake: handshake)
                            if forBulk {
                                try TunnelBuffers.tune(channel)
                                try channel.pipeline.syncOperations.addHandler(AbruptClose())
                            }
                            try channel.pipeline.syncOperations.addHandlers(tls, handler)
                            return (channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
                        }
                    }
            }
        } catch {
            handshake.fail(error)
            try Task.checkCancellation()
            throw LinkClientError.unreachable(address: address.hostAndPort, reason: ConnectFailure.describe(error))
        }
        let deadline = loop.scheduleTask(in: .seconds(Int64(connectSeconds))) {
            handshake.fail(LinkClientError.timedOut(what: address.hostAndPort, seconds: connectSeconds))
        }
        defer { deadline.cancel() }
        do {
            try await untilCanceled(handshake) { try await handshake.futureResult.get() }
        } catch {
            channel.close(promise: nil)
            if error is CancellationError { throw error }
            if let identity = verdict.error { throw LinkClientError.wrongPeer(identity) }
            if error is LinkClientHandler.NoCommonProtocol {
                throw LinkClientError.noCommonProtocol(address: address.hostAndPort)
            }
            if let error = error as? LinkClientError { throw error }
            throw LinkClientError.handshakeFailed(
                address: address.hostAndPort,
                reason: HandshakeFailure.describe(error)
            )
        }
        return LinkClient(address: address, channel: channel, handler: bound)
    }

    /// Sends a request and waits for its reply of any kind, at most until the task is canceled.
    package func ask(_ message: LinkMessage, seconds: Int = LinkClient.answerSeconds) async throws -> LinkMessage {
        try Task.checkCancellation()
        let id = "\(nextID.add(1, ordering: .relaxed).oldValue)"
        let loop = channel.eventLoop
        let promise = loop.makePromise(of: LinkMessage.self)
        let deadline = loop.scheduleTask(in: .seconds(Int64(seconds))) {
            promise.fail(LinkClientError.timedOut(what: self.address.hostAndPort, seconds: seconds))
        }
        defer { deadline.cancel() }
        let (handler, channel) = (handler, channel)
        loop.execute {
            handler.value.send(LinkEnvelope(requestID: id, payload: message), promise: promise, on: channel)
        }
        do {
            let answer = try await Self.untilCanceled(promise) { try await promise.futureResult.get() }
            if case .error = answer { return answer }
            hasAnswered.store(true, ordering: .relaxed)
            return answer
        } catch {
            throw reason(of: error)
        }
    }

    /// Runs `body`, which waits for the promise, and fails the promise with `CancellationError` if the task is
    /// canceled.
    private static func untilCanceled<Value, Result: Sendable>(
        _ promise: EventLoopPromise<Value>,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await withTaskCancellationHandler(operation: body) { promise.fail(CancellationError()) }
    }

    /// The error for the user if the connection failed with this one.
    private func reason(of error: any Error) -> any Error {
        switch error {
        case is LinkClientError, is CancellationError: error
        case let error as LinkError: LinkClientError.refused(error)
        case let error as FrameTooLong:
            LinkClientError.noMessage(address: address.hostAndPort, what: error.description)
        case let error as LinkDecodingError:
            LinkClientError.noMessage(address: address.hostAndPort, what: error.message)
        default:
            hasAnswered.load(ordering: .relaxed)
                ? LinkClientError.lost(address: address.hostAndPort)
                : LinkClientError.closed(address: address.hostAndPort)
        }
    }

    /// Makes this connection a tunnel; `install` adds the handlers of its bytes, on its event loop. If that fails, the
    /// connection is closed.
    func open(
        _ tunnel: TunnelOpen,
        seconds: Int = LinkClient.answerSeconds,
        install: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        let loop = channel.eventLoop
        let promise = loop.makePromise(of: Void.self)
        let deadline = loop.scheduleTask(in: .seconds(Int64(seconds))) {
            promise.fail(LinkClientError.timedOut(what: self.address.hostAndPort, seconds: seconds))
        }
        defer { deadline.cancel() }
        let (handler, channel) = (handler, channel)
        loop.execute {
            let upgrade = LinkClientHandler.Upgrade(requestID: "1", install: install, promise: promise)
            handler.value.open(
                LinkEnvelope(requestID: "1", payload: .tunnelOpen(tunnel)),
                upgrade: upgrade,
                on: channel
            )
        }
        do {
            try await Self.untilCanceled(promise) { try await promise.futureResult.get() }
        } catch {
            await close()
            throw reason(of: error)
        }
    }

    /// False once either end, or the network, has ended the connection.
    var isOpen: Bool { channel.isActive }

    /// Address of this end, without port.
    package var localHost: String? { host(channel.localAddress) }
    /// Address of the connected reflector, without port; with its scope if it is link-local.
    package var remoteHost: String? { host(channel.remoteAddress) }

    private func host(_ address: SocketAddress?) -> String? {
        address.flatMap(InternetAddress.init(socket:))?.host.description
    }

    package func close() async {
        try? await channel.close()
    }
}

/// Remembers why a reflector's certificate was not accepted.
private final class VerdictBox: Sendable {
    private let state = Mutex<PeerIdentityError?>(nil)

    var error: PeerIdentityError? { state.withLock { $0 } }

    func judge(_ certificates: [NIOSSLCertificate], expected: EndpointID) -> NIOSSLVerificationResult {
        do throws(PeerIdentityError) {
            let presented = try EndpointTLS.endpointID(of: certificates)
            guard presented == expected else { throw .unexpectedPeer(expected: expected, presented: presented) }
            return .certificateVerified
        } catch {
            state.withLock { $0 = error }
            return .failed
        }
    }
}
