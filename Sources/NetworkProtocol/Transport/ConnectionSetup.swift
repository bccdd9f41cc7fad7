internal import Logging

/// What a connection is to be, decided before it is open.
struct ConnectionSetup: Sendable {
    enum Side: Sendable {
        case initiator
        /// `seen` tells whether a handshake's opening was seen before, and remembers it.
        case responder(seen: @Sendable (HandshakeInit) -> Bool)
    }

    enum Protection: Sendable {
        /// The library's handshake and records.
        case handshake(Trust)
        /// TLS stands below and has judged the peer, whose certificate must hold one of these keys if there are any, and be for `name` if
        /// that is not nil.
        case tls(pins: Set<CertificatePin>, name: String?)
        /// Nothing: the program has asked for it by name, or the file system decides who may connect.
        case none
    }

    /// What handles the messages that come.
    struct Service: Sendable {
        let handlers: DaemonHandlers
        /// Keeps the connection's place in the daemon, however soon its channel is closed.
        let hold: @Sendable () -> Void
        /// Gives it away.
        let release: @Sendable () -> Void
    }

    let side: Side
    let protection: Protection
    let options: ConnectionOptions
    /// Handles what comes; without one it waits for `receive()`.
    let service: Service?
    let logger: Logger
    let metrics: ConnectionMetrics
    /// Called once, on the event loop.
    let opened: @Sendable (Result<Connection, ConnectionError>) -> Void
    /// Called once for a connection that was opened, on the event loop; without it when nothing held it any more.
    let closed: @Sendable (Connection?, ConnectionError) -> Void

    var isTLS: Bool { if case .tls = protection { true } else { false } }
    var isPlain: Bool { if case .none = protection { true } else { false } }
    var trust: Trust? { if case .handshake(let trust) = protection { trust } else { nil } }
}
