extension ConnectionError {
    /// What happened, to compare and to switch over. Later versions may have more codes, so a `switch` needs a
    /// `default`.
    public struct Code: Sendable, Hashable {
        private enum Name: String {
            case notListening = "not_listening"
            case cannotConnect = "cannot_connect"
            case tls
            case handshake
            case refused
            case timedOut = "timed_out"
            case unanswered
            case dead
            case stalled
            case malformedPacket = "malformed_packet"
            case malformedMessage = "malformed_message"
            case malformedCompression = "malformed_compression"
            case notAuthentic = "not_authentic"
            case protocolViolation = "protocol_violation"
            case messageTooLong = "message_too_long"
            case closedByPeer = "closed_by_peer"
            case truncated
            case closed
            case cancelled
            case io
        }

        private let name: Name

        private init(_ name: Name) { self.name = name }

        /// The address was reached, and nothing listens there; for a Unix socket also: there is no such socket. Has
        /// an `address`.
        public static var notListening: Code { Code(.notListening) }
        /// Nothing answered at the address, or the system refused. Has an `address`, and the reason as `detail`.
        public static var cannotConnect: Code { Code(.cannotConnect) }
        /// TLS failed; `detail` says what failed on which side.
        public static var tls: Code { Code(.tls) }
        /// The handshake did not end with both sides identified as required; `cause` is a ``HandshakeError``.
        public static var handshake: Code { Code(.handshake) }
        /// The peer refused, with a `failureCode` and its reason as `detail`.
        public static var refused: Code { Code(.refused) }
        /// `detail` took longer than allowed. If something was to be sent, nothing was.
        public static var timedOut: Code { Code(.timedOut) }
        /// The request was sent, or may have been, and its answer does not come; `cause` says why: it took too long,
        /// the waiting task was canceled, or the connection ended. Whether the peer has executed it is not known:
        /// asked again, it may execute it twice.
        public static var unanswered: Code { Code(.unanswered) }
        /// The peer sent nothing for `duration`, so long that it counts as dead.
        public static var dead: Code { Code(.dead) }
        /// The peer has taken nothing of what is sent to it for `duration`.
        public static var stalled: Code { Code(.stalled) }
        /// The bytes are no packet; nothing after them can be read. `cause` is a ``PacketError``.
        public static var malformedPacket: Code { Code(.malformedPacket) }
        /// A whole packet arrived, and its payload is no message. `cause` is a ``MessageError``.
        public static var malformedMessage: Code { Code(.malformedMessage) }
        /// A payload could not be decompressed, or would have become too long; `detail` says which.
        public static var malformedCompression: Code { Code(.malformedCompression) }
        /// A packet was not sealed as the next record: it was changed, repeated, left out, or sent in the clear.
        public static var notAuthentic: Code { Code(.notAuthentic) }
        /// The message that `detail` names does not belong there.
        public static var protocolViolation: Code { Code(.protocolViolation) }
        /// The encoded message has `length` bytes, and a packet may carry `limit`.
        public static var messageTooLong: Code { Code(.messageTooLong) }
        /// The peer announced that it sends nothing more; or, on an unsealed connection, it closed the connection.
        public static var closedByPeer: Code { Code(.closedByPeer) }
        /// A sealed connection ended without the peer's sealed Disconnect. Any attacker on the path can cause that:
        /// the peer's last messages may be missing.
        public static var truncated: Code { Code(.truncated) }
        /// This side closed it.
        public static var closed: Code { Code(.closed) }
        /// The waiting task was canceled. If something was to be sent, nothing was (except a ping).
        public static var cancelled: Code { Code(.cancelled) }
        /// The system ended it; `detail` says why.
        public static var io: Code { Code(.io) }
    }
}

extension ConnectionError.Code: CustomStringConvertible {
    /// One word, such as `timed_out`.
    public var description: String { name.rawValue }
}
