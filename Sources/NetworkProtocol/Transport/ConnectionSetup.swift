internal import Logging

/// The properties of a connection, decided before it opens.
struct ConnectionSetup: Sendable {
    enum Side: Sendable {
        case initiator
        /// `seen` returns whether a handshake's opening was seen before, and remembers it.
        case responder(seen: @Sendable (HandshakeInit) -> Bool)
    }

    enum Protection: Sendable {
        /// The library's handshake and records.
        case handshake(Trust)
        /// TLS has verified the peer below. The peer's certificate must contain one of these keys, if there are any,
        /// and be for `name`, unless that is nil.
        case tls(pins: Set<CertificatePin>, name: String?)
        /// None: the program explicitly chose that, or the file system's permissions decide who may connect.
        case none
    }

    /// What handles received messages.
    struct Service: Sendable {
        let handlers: DaemonHandlers
        /// Keeps the connection's slot in the daemon, even after its channel is closed.
        let hold: @Sendable () -> Void
        /// Frees the slot.
        let release: @Sendable () -> Void
    }

    let side: Side
    let protection: Protection
    let options: ConnectionOptions
    /// Handles received messages; without it, they wait for `receive()`.
    let service: Service?
    let logger: Logger
    let metrics: ConnectionMetrics
    /// Called once, on the event loop.
    let opened: @Sendable (Result<Connection, ConnectionError>) -> Void
    /// Called once for a connection that was opened, on the event loop; without the connection if nothing refers to it
    /// anymore.
    let closed: @Sendable (Connection?, ConnectionError) -> Void

    var isTLS: Bool { if case .tls = protection { true } else { false } }
    var isPlain: Bool { if case .none = protection { true } else { false } }
    var trust: Trust? { if case .handshake(let trust) = protection { trust } else { nil } }
}
