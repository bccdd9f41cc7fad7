/// Why a connection ended, could not be made, or did not accept a message.
public enum ConnectionError: Error, Sendable, Hashable {
    /// The address was reached, and nothing listens there; for a Unix socket also: there is no such socket.
    case nobodyListens(address: String)
    /// Nothing answered at the address, or the system refused.
    case cannotConnect(address: String, reason: String)
    /// TLS failed; `reason` says what failed on which side.
    case tls(reason: String)
    /// The handshake did not end with both sides identified as required.
    case handshake(HandshakeError)
    /// The peer refused, with a reason.
    case refused(code: FailureCode, reason: String)
    /// `what` took longer than allowed. If something was to be sent, nothing was.
    case timedOut(what: String)
    /// The request was sent, or may have been, and its answer does not come, for this reason: it took too long, the
    /// waiting task was canceled, or the connection ended. Whether the peer has executed it is not known: asked again,
    /// it may execute it twice.
    indirect case unanswered(ConnectionError)
    /// The peer sent nothing for so long that it counts as dead.
    case dead(after: Duration)
    /// The peer takes nothing of what is sent to it.
    case stalled(after: Duration)
    /// The bytes are no packet; nothing after them can be read.
    case malformedPacket(PacketError)
    /// A whole packet arrived, and its payload is no message.
    case malformedMessage(MessageError)
    /// A payload could not be decompressed, or would have become too long.
    case malformedCompression(String)
    /// A packet was not sealed as the next record: it was changed, repeated, left out, or sent in the clear.
    case notAuthentic
    /// The message does not belong there.
    case protocolViolation(String)
    /// Both in bytes: the encoded message, and what a packet may carry.
    case messageTooLong(length: Int, limit: Int)
    /// The peer announced that it sends nothing more; or, on an unsealed connection, it closed the connection.
    case closedByPeer
    /// A sealed connection ended without the peer's sealed Disconnect. Any attacker on the path can cause that: the
    /// peer's last messages may be missing.
    case truncated
    /// This side closed it.
    case closed
    /// The waiting task was canceled. If something was to be sent, nothing was (except a ping).
    case cancelled
    /// The system ended it, for this reason.
    case io(reason: String)

    /// The cause: for ``unanswered(_:)`` the reason inside it.
    public var cause: ConnectionError { if case .unanswered(let reason) = self { reason.cause } else { self } }
}

extension ConnectionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .nobodyListens(let address): "cannot connect to \(address): nobody listens there"
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
        case .truncated: "the connection ended without the peer's sealed good-bye: its last messages may be missing"
        case .closed: "the connection is closed"
        case .cancelled: "the task that waited was cancelled"
        case .io(let reason): "the connection failed: \(reason)"
        }
    }
}
