/// Why a message of the peer ends a handshake. Every failure is final: the state that read the message is gone.
package enum NoiseFailure: Error, Equatable, Sendable {
    /// The message is shorter than its keys and tags.
    case truncated(length: Int, minimum: Int)
    /// The message is longer than Noise allows.
    case tooLong(length: Int)
    /// A tag does not verify: another key, another prologue, or changed bytes here or in an earlier message.
    case notAuthentic
    /// One of the peer's keys is a point of low order, so the shared secret would be zero.
    case lowOrderPoint
}

extension NoiseFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated(let length, let minimum):
            "truncated handshake message of \(length) bytes: must have at least \(minimum)"
        case .tooLong(let length):
            "handshake message of \(length) bytes: must have at most \(NoiseXX.maximumMessageLength)"
        case .notAuthentic: "handshake message not authentic: keys, prologues or bytes differ"
        case .lowOrderPoint: "key of low order in a handshake message"
        }
    }
}
