internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Operations
internal import SystemErrors

/// Puts the system's reasons for a failed connect into words, with what to look at.
enum ConnectFailure {
    private static let remedy = "is the reflector running, and is the port open?"

    static func describe(_ error: any Error) -> String {
        switch error {
        case let failure as NIOConnectionError:
            if let first = failure.connectionErrors.first { return describe(first.error) }
            return "the name \(failure.host) has no address; is it spelt right, and does DNS work?"
        case let failure as IOError where [EMFILE, ENFILE].contains(failure.errnoCode):
            return "\(failure.reason) here; raise the limit with `ulimit -n`, or ask for fewer streams"
        case let failure as IOError: return "\(failure.reason); \(remedy)"
        case let failure as ChannelError:
            if case .connectTimeout = failure { return "no answer within \(LinkClient.connectSeconds) s; \(remedy)" }
            return "the connection was closed while it was made; \(remedy)"
        default: return "the connection could not be made; \(remedy)"
        }
    }
}

extension IOError {
    /// The system's words without the call's name.
    fileprivate var reason: String { SystemError.reason(of: errnoCode) }
}
