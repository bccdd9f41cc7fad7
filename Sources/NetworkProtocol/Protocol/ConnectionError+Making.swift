extension ConnectionError {
    public static func notListening(address: String) -> ConnectionError { .init(.notListening(address: address)) }

    public static func cannotConnect(address: String, reason: String) -> ConnectionError {
        .init(.cannotConnect(address: address, reason: reason))
    }

    public static func tls(reason: String) -> ConnectionError { .init(.tls(reason: reason)) }

    public static func handshake(_ error: HandshakeError) -> ConnectionError { .init(.handshake(error)) }

    public static func refused(code: FailureCode, reason: String) -> ConnectionError {
        .init(.refused(code: code, reason: reason))
    }

    /// - Parameter what: what took longer than allowed.
    public static func timedOut(what: String) -> ConnectionError { .init(.timedOut(what: what)) }

    /// - Parameter cause: why the answer does not come.
    public static func unanswered(_ cause: ConnectionError) -> ConnectionError { .init(.unanswered(cause)) }

    public static func dead(after: Duration) -> ConnectionError { .init(.dead(after: after)) }

    public static func stalled(after: Duration) -> ConnectionError { .init(.stalled(after: after)) }

    public static func malformedPacket(_ error: PacketError) -> ConnectionError { .init(.malformedPacket(error)) }

    public static func malformedMessage(_ error: MessageError) -> ConnectionError { .init(.malformedMessage(error)) }

    public static func malformedCompression(_ reason: String) -> ConnectionError {
        .init(.malformedCompression(reason))
    }

    public static var notAuthentic: ConnectionError { .init(.notAuthentic) }

    /// - Parameter what: the message, and where it does not belong.
    public static func protocolViolation(_ what: String) -> ConnectionError { .init(.protocolViolation(what)) }

    /// - Parameters:
    ///   - length: of the encoded message, in bytes.
    ///   - limit: what a packet may carry, in bytes.
    public static func messageTooLong(length: Int, limit: Int) -> ConnectionError {
        .init(.messageTooLong(length: length, limit: limit))
    }

    public static var closedByPeer: ConnectionError { .init(.closedByPeer) }

    public static var truncated: ConnectionError { .init(.truncated) }

    public static var closed: ConnectionError { .init(.closed) }

    public static var cancelled: ConnectionError { .init(.cancelled) }

    public static func io(reason: String) -> ConnectionError { .init(.io(reason: reason)) }
}
