package import Cryptography

/// Why a handshake ends, or a message of it is dropped.
package enum HandshakeFailure: Error, Equatable, Sendable {
    case noise(NoiseFailure)
    /// The message is authentic, but the peer's software built it wrong.
    case malformed(String)
    /// The peer proved another Endpoint ID than the expected one, or none.
    case wrongIdentity
    case unknownCriticalField(UInt16)
    case noCommonVersion([UInt8])
    /// No answer within 10 s.
    case unanswered
}

extension HandshakeFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noise(let failure): "\(failure)"
        case .malformed(let what): "the peer's handshake is malformed: \(what)"
        case .wrongIdentity: "the peer did not prove the expected Endpoint ID"
        case .unknownCriticalField(let type):
            "the peer demands field \(type), which this version does not know; update it"
        case .noCommonVersion(let versions):
            "the peer has versions \(versions.map(String.init).joined(separator: ", ")) of the protocol, but this is 1"
        case .unanswered: "no answer"
        }
    }
}
