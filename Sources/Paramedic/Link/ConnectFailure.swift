internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Operations
internal import SystemErrors

/// Describes why a connect failed, and what to check.
enum ConnectFailure {
    private static let remedy = "is the reflector running, and is the port open?"

    static func describe(_ error: any Error) -> String {
        switch error {
        case let failure as NIOConnectionError:
            if let first = failure.connectionErrors.first { return describe(first.error) }
            return "no address for \(failure.host); is the name spelled right, and does DNS work?"
        case let failure as IOError where [EMFILE, ENFILE].contains(failure.errnoCode):
            return "\(failure.reason) here; raise the limit with `ulimit -n`, or use fewer streams"
        case let failure as IOError: return "\(failure.reason); \(remedy)"
        case let failure as ChannelError:
            if case .connectTimeout = failure { return "no answer within \(LinkClient.connectSeconds) s; \(remedy)" }
            return "the connection was closed while it was being made; \(remedy)"
        default: return "the connection could not be made; \(remedy)"
        }
    }
}

extension IOError {
    /// The system's message without the call's name.
    fileprivate var reason: String { SystemError.reason(of: errnoCode) }
}
