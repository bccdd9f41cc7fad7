internal import NIOCore
internal import NIOPosix
internal import Operations

/// Puts the system's reasons for a failed connect into words.
enum ConnectFailure {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let failure as NIOConnectionError:
            if let first = failure.connectionErrors.first { return describe(first.error) }
            return "the name \(failure.host) has no address"
        case let failure as IOError: return failure.reason
        case let failure as ChannelError:
            if case .connectTimeout = failure { return "no answer within \(LinkClient.connectSeconds) s" }
            return "\(failure)"
        default: return "\(error)"
        }
    }
}

extension IOError {
    /// The system's words without the call's name.
    fileprivate var reason: String { SystemErrorText.describe(errnoCode) }
}
