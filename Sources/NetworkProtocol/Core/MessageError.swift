/// Why a payload is not a message. `offset` counts from the payload's first byte, the format byte included.
public enum MessageError: Error, Sendable, Hashable {
    /// `needed` bytes should follow at `offset`, but the payload ends.
    case truncated(offset: Int, needed: UInt64)
    /// Bytes follow the message.
    case trailingBytes(offset: Int, count: Int)
    /// No message has this number, not even in a later version.
    case unknownVariant(UInt32)
    /// No message has this name, not even in a later version. A long name is cut, without what could disturb a
    /// terminal.
    case unknownName(String)
    /// The text at `offset` is not UTF-8.
    case invalidText(offset: Int)
    /// The content at `offset` is not what the message has there.
    case malformed(offset: Int, expected: String)
    /// There are no bytes.
    case empty
}

extension MessageError {
    /// The name comes from a peer.
    static func unknown(name: String) -> MessageError { .unknownName(UntrustedText.sanitized(name, limit: 40)) }
}

extension MessageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let offset, let needed):
            "the message ends too early: \(needed) more bytes were expected at byte \(offset)"
        case .trailingBytes(let offset, let count): "\(count) bytes follow the message's end at byte \(offset)"
        case .unknownVariant(let index):
            "no message has the number \(index); this side knows 0 to \(MessageShape.all.count - 1), and those up to 255 are for later versions"
        case .unknownName(let name): "no message has the name \"\(name)\""
        case .invalidText(let offset): "the text at byte \(offset) of the message is not UTF-8"
        case .malformed(let offset, let expected): "byte \(offset) of the message is not \(expected)"
        case .empty: "the payload is empty where a message was expected"
        }
    }
}
