internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import SystemErrors

/// Opens one connection to a destination.
struct Connector: Sendable {
    let destination: Destination
    let options: ConnectionOptions
    let connectTimeout: Duration
    let logger: Logger
    let metrics: ConnectionMetrics

    /// If the task is canceled it returns at once, and nothing of the attempt is left except a name lookup.
    func connect() async throws(ConnectionError) -> Connection {
        if case .tcp(_, let port) = destination.kind, !(1...65_535).contains(port) {
            throw .cannotConnect(
                address: destination.description,
                reason: "invalid port \(port): must be 1–65535"
            )
        }
        let makeTLS = try tls()
        let attempt = ConnectAttempt()
        let (connector, destination) = (self, destination)
        let bootstrap = ClientBootstrap(group: options.eventLoops.next())
            .connectTimeout(TimeAmount(connectTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.recvAllocator, value: ReadBuffers.sizes)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let number = attempt.enter(channel) else { throw ConnectionError.cancelled }
                    let setup = connector.setup { attempt.report(number, $0) }
                    if let makeTLS { try channel.pipeline.syncOperations.addHandler(makeTLS()) }
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectionHandler(setup, eventLoop: channel.eventLoop)
                    )
                }
            }
        let channel =
            switch destination.kind {
            case .tcp(let host, let port):
                bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: host, port: port)
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        channel.whenComplete { result in
            switch result {
            case .success(let channel): attempt.choose(channel)
            case .failure(let error): attempt.finish(.failure(Connector.error(error, destination)))
            }
        }
        return try await attempt.outcome()
    }

    private func setup(
        _ opened: @escaping @Sendable (Result<Connection, ConnectionError>) -> Void
    ) -> ConnectionSetup {
        let (logger, destination) = (logger, destination)
        return ConnectionSetup(
            side: .initiator,
            protection: destination.protection,
            options: options,
            service: nil,
            logger: logger,
            metrics: metrics,
            opened: { result in
                if case .success(let connection) = result {
                    logger.debug("connection open", metadata: connection.logMetadata)
                }
                opened(result)
            },
            closed: { connection, error in
                let metadata =
                    connection?.logMetadata(ending: error)
                    ?? ["peer.address": "\(destination)", "error": "nothing uses it anymore"]
                logger.debug("connection closed", metadata: metadata)
            }
        )
    }

    private func tls() throws(ConnectionError) -> TLSContext.MakeHandler? {
        guard let settings = destination.tls, case .tcp(let host, _) = destination.kind else { return nil }
        do {
            return try TLSContext.client(settings, host: host)
        } catch {
            if let error = error as? ConnectionError, error.code == .tls, let reason = error.detail {
                throw .tls(reason: "the client was given \(reason)")
            }
            throw .tls(reason: "the client's certificate or roots cannot be used: \(TLSFailure.reason("\(error)"))")
        }
    }

    private static func error(_ error: any Error, _ destination: Destination) -> ConnectionError {
        switch error {
        case let error as NIOConnectionError:
            if !error.connectionErrors.isEmpty, error.connectionErrors.allSatisfy({ isNotListening($0.error) }) {
                return .notListening(address: destination.description)
            }
            let reasons = error.connectionErrors.map {
                "\(reason($0.error)) (\($0.target.ipAddress ?? "\($0.target)"))"
            }
            let unresolved = [error.dnsAError, error.dnsAAAAError].compactMap(\.self).map { _ in "the name is not known"
            }
            return .cannotConnect(
                address: destination.description,
                reason: (reasons.isEmpty ? unresolved.prefix(1) + [] : reasons).joined(separator: "; ")
            )
        case let error as IOError:
            if isNotListening(error) { return .notListening(address: destination.description) }
            return .cannotConnect(address: destination.description, reason: reason(error))
        case SocketAddressError.unixDomainSocketPathTooLong:
            return .cannotConnect(
                address: destination.description,
                reason:
                    "the path is longer than the \(UnixListeningSocket.maximumPathLength) bytes that the system allows"
            )
        case let error as SocketAddressError:
            return .cannotConnect(address: destination.description, reason: "the address cannot be used (\(error))")
        case ChannelError.connectTimeout:
            return .cannotConnect(
                address: destination.description,
                reason: "no answer in time; is the machine on, and no firewall in between?"
            )
        default: return ConnectionFailure.error(of: error)
        }
    }

    private static func isNotListening(_ error: any Error) -> Bool {
        [ECONNREFUSED, ENOENT, ENOTDIR].contains((error as? IOError)?.errnoCode)
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else {
            if case ChannelError.connectTimeout = error { return "no answer in time" }
            return "\(error)"
        }
        switch error.errnoCode {
        case ECONNREFUSED: return "nothing listens there"
        case EAGAIN: return "its queue of connections is full; try again"
        case EACCES, EPERM: return "this user may not connect to it"
        default: return SystemError.reason(of: error.errnoCode)
        }
    }
}
