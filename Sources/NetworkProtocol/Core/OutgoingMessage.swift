/// What a program may send besides requests. All other messages on a connection are the protocol's own.
public enum OutgoingMessage: Sendable, Hashable {
    /// A daemon returns it unchanged.
    case echo(String)
    /// A command without a number; its answer, if any, has the same command.
    case custom(command: String, payload: [UInt8])
    /// Bytes whose meaning only the programs know.
    case data([UInt8])

    /// The message on the wire.
    package var message: Message {
        switch self {
        case .echo(let text): .echo(text)
        case .custom(let command, let payload): .custom(command: command, payload: payload)
        case .data(let bytes): .data(bytes)
        }
    }

    /// Nil for a message of the protocol itself.
    package init?(_ message: Message) {
        switch message {
        case .echo(let text): self = .echo(text)
        case .custom(let command, let payload): self = .custom(command: command, payload: payload)
        case .data(let bytes): self = .data(bytes)
        default: return nil
        }
    }
}
