/// The messages between two programs.
///
/// The last three carry a number, so that many requests share a connection.
public enum Message: Sendable, Hashable {
    /// Asks whether the peer is alive.
    case ping
    /// Answers ``ping``.
    case pong
    /// The first message of a handshake; no program sends it.
    case handshakeInit(HandshakeInit)
    /// Its second.
    case handshakeResponse(HandshakeResponse)
    /// Its third.
    case handshakeConfirm(HandshakeConfirm)
    /// The peer returns it unchanged.
    case echo(String)
    /// The sender sends nothing more.
    case disconnect
    /// A command without a number; its answer, if any, has the same command.
    case custom(command: String, payload: [UInt8])
    /// Bytes whose meaning only the programs know.
    case data([UInt8])
    /// A message of a later version, without its content. A daemon ignores it.
    case unknown
    /// Answered by ``response(id:payload:)`` or ``failure(id:code:reason:)`` with the same number, in any order.
    case request(id: UInt64, command: String, payload: [UInt8])
    /// Answers the request of the same number.
    case response(id: UInt64, payload: [UInt8])
    /// `id` 0 means the connection, not a request.
    case failure(id: UInt64, code: FailureCode, reason: String)
}

/// Opens a handshake.
public struct HandshakeInit: Sendable, Hashable {
    /// Ephemeral X25519 key, 32 bytes.
    public let publicKey: [UInt8]
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public let timestamp: UInt64
    /// Random, 16 bytes.
    public let nonce: [UInt8]
}

/// Answers ``HandshakeInit``.
public struct HandshakeResponse: Sendable, Hashable {
    /// Ephemeral X25519 key, 32 bytes.
    public let publicKey: [UInt8]
    /// Random, 16 bytes.
    public let nonce: [UInt8]
    /// The responder's proof of identity, sealed.
    public let challenge: [UInt8]
}

/// Ends a handshake.
public struct HandshakeConfirm: Sendable, Hashable {
    /// The initiator's proof of identity, sealed.
    public let challenge: [UInt8]
}

/// Why a request or a connection was refused. Codes that this version does not name are kept unchanged.
public struct FailureCode: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No handler has this command.
    public static let unknownCommand = FailureCode(rawValue: 1)
    /// The handler refused, for a reason of its own.
    public static let refused = FailureCode(rawValue: 2)
    /// The handler failed; the details are in the daemon's log, and not sent to strangers.
    public static let internalError = FailureCode(rawValue: 3)
    /// The daemon is full or is shutting down: try again later.
    public static let unavailable = FailureCode(rawValue: 4)
    /// The peer is not admitted.
    public static let unauthorized = FailureCode(rawValue: 5)
    /// The clocks differ by more than a handshake allows.
    public static let clockSkew = FailureCode(rawValue: 6)
    /// The peer violated the protocol.
    public static let protocolViolation = FailureCode(rawValue: 7)
    /// The answer would be longer than a payload may be.
    public static let tooLarge = FailureCode(rawValue: 8)
}

extension FailureCode: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownCommand: "unknown_command"
        case .refused: "refused"
        case .internalError: "internal_error"
        case .unavailable: "unavailable"
        case .unauthorized: "unauthorized"
        case .clockSkew: "clock_skew"
        case .protocolViolation: "protocol_violation"
        case .tooLarge: "too_large"
        default: "code_\(rawValue)"
        }
    }
}
