/// Why a connection ended, could not be made, or did not accept a message: a ``code`` for the program, a ``message``
/// for its user, and what belongs to the code.
public struct ConnectionError: Error, Sendable, Hashable {
    /// One case per code, with what belongs to it; so an error without its parts cannot be made.
    enum Value: Sendable, Hashable {
        case notListening(address: String)
        case cannotConnect(address: String, reason: String)
        case tls(reason: String)
        case handshake(HandshakeError)
        case refused(code: FailureCode, reason: String)
        case timedOut(what: String)
        indirect case unanswered(ConnectionError)
        case dead(after: Duration)
        case stalled(after: Duration)
        case malformedPacket(PacketError)
        case malformedMessage(MessageError)
        case malformedCompression(String)
        case notAuthentic
        case protocolViolation(String)
        case messageTooLong(length: Int, limit: Int)
        case closedByPeer
        case truncated
        case closed
        case cancelled
        case io(reason: String)
    }

    let value: Value

    init(_ value: Value) { self.value = value }

    public var code: Code {
        switch value {
        case .notListening: .notListening
        case .cannotConnect: .cannotConnect
        case .tls: .tls
        case .handshake: .handshake
        case .refused: .refused
        case .timedOut: .timedOut
        case .unanswered: .unanswered
        case .dead: .dead
        case .stalled: .stalled
        case .malformedPacket: .malformedPacket
        case .malformedMessage: .malformedMessage
        case .malformedCompression: .malformedCompression
        case .notAuthentic: .notAuthentic
        case .protocolViolation: .protocolViolation
        case .messageTooLong: .messageTooLong
        case .closedByPeer: .closedByPeer
        case .truncated: .truncated
        case .closed: .closed
        case .cancelled: .cancelled
        case .io: .io
        }
    }

    /// The error itself; for ``Code/unanswered`` why the answer does not come.
    public var underlying: ConnectionError { if case .unanswered(let why) = value { why.underlying } else { self } }

    /// The error that this one reports: a ``HandshakeError``, a ``PacketError``, a ``MessageError``, or for
    /// ``Code/unanswered`` a ``ConnectionError``.
    public var cause: (any Error)? {
        switch value {
        case .handshake(let error): error
        case .malformedPacket(let error): error
        case .malformedMessage(let error): error
        case .unanswered(let error): error
        default: nil
        }
    }

    /// What could not be connected to, for ``Code/notListening`` and ``Code/cannotConnect``.
    public var address: String? {
        switch value {
        case .notListening(let address), .cannotConnect(let address, _): address
        default: nil
        }
    }

    /// The code that the peer refused with, for ``Code/refused``.
    public var failureCode: FailureCode? { if case .refused(let code, _) = value { code } else { nil } }

    /// What the code alone does not say, as ``Code`` describes: a reason, or what took too long.
    public var detail: String? {
        switch value {
        case .cannotConnect(_, let text), .tls(let text), .refused(_, let text), .timedOut(let text),
            .malformedCompression(let text), .protocolViolation(let text), .io(let text):
            text
        default: nil
        }
    }

    /// How long the peer was silent or took nothing, for ``Code/dead`` and ``Code/stalled``.
    public var duration: Duration? {
        switch value {
        case .dead(let duration), .stalled(let duration): duration
        default: nil
        }
    }

    /// The encoded message's length in bytes, for ``Code/messageTooLong``.
    public var length: Int? { if case .messageTooLong(let length, _) = value { length } else { nil } }

    /// The bytes that a packet may carry, for ``Code/messageTooLong``.
    public var limit: Int? { if case .messageTooLong(_, let limit) = value { limit } else { nil } }
}

extension ConnectionError: CustomStringConvertible {
    /// What failed and how to mend it, in a sentence for the user.
    public var message: String {
        switch value {
        case .notListening(let address): "cannot connect to \(address): nothing listens there"
        case .cannotConnect(let address, let reason): "cannot connect to \(address): \(reason)"
        case .tls(let reason): "TLS failed: \(reason)"
        case .handshake(let error): "the handshake failed: \(error)"
        case .refused(let code, let reason): "the peer refused (\(code)): \(reason)"
        case .timedOut(let what): "\(what) took too long"
        case .unanswered(let why): "the request was sent, and whether it was handled is not known: \(why)"
        case .dead(let after): "nothing came from the peer for \(after), not even an answer to a ping"
        case .stalled(let after): "the peer has taken nothing of what was sent to it for \(after)"
        case .malformedPacket(let error): "the peer sent no packet: \(error)"
        case .malformedMessage(let error): "the peer sent no message: \(error)"
        case .malformedCompression(let reason): "the peer sent a packet that cannot be decompressed: \(reason)"
        case .notAuthentic:
            "a packet was not sealed as the next one must be: it was changed, repeated, left out or not sealed"
        case .protocolViolation(let what): "the peer broke the protocol: \(what)"
        case .messageTooLong(let length, let limit):
            "the message would need \(length) bytes, and a packet carries \(limit): send it in parts"
        case .closedByPeer: "the peer closed the connection"
        case .truncated: "the connection ended without the peer's sealed Disconnect: its last messages may be missing"
        case .closed: "the connection is closed"
        case .cancelled: "the task that waited was canceled"
        case .io(let reason): "the connection failed: \(reason)"
        }
    }

    public var description: String { message }
}
