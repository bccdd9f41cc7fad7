/// What a program may send that is no request. Everything else that goes over a connection is the protocol's own.
public enum OutgoingMessage: Sendable, Hashable {
    /// A daemon sends it back as it is.
    case echo(String)
    /// A command without a number; its answer, if any, is one of the same command.
    case custom(command: String, payload: [UInt8])
    /// Bytes, of which only the programs know what they are.
    case data([UInt8])

    /// As it goes over the wire.
    package var message: Message {
        switch self {
        case .echo(let text): .echo(text)
        case .custom(let command, let payload): .custom(command: command, payload: payload)
        case .data(let bytes): .data(bytes)
        }
    }

    /// Nil for a message that is the protocol's own.
    package init?(_ message: Message) {
        switch message {
        case .echo(let text): self = .echo(text)
        case .custom(let command, let payload): self = .custom(command: command, payload: payload)
        case .data(let bytes): self = .data(bytes)
        default: return nil
        }
    }
}
