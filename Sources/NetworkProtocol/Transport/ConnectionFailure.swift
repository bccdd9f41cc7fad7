internal import NIOCore
internal import NIOSSL
internal import SystemErrors

/// Translates the errors of the underlying libraries.
enum ConnectionFailure {
    static func error(of error: any Error) -> ConnectionError {
        switch error {
        case let error as ConnectionError: error
        case let error as NIOSSLError: .tls(reason: TLSFailure.reason("\(error)"))
        case let error as BoringSSLError: .tls(reason: TLSFailure.reason("\(error)"))
        case let error as NIOSSLExtraError: .tls(reason: TLSFailure.reason(error.description))
        case let error as IOError: .io(reason: SystemError.reason(of: error.errnoCode))
        case ChannelError.eof, ChannelError.inputClosed: .closedByPeer
        case ChannelError.alreadyClosed, ChannelError.ioOnClosedChannel: .closed
        case ChannelError.connectTimeout(let after): .timedOut(what: "connecting (\(after.nanoseconds / 1_000_000) ms)")
        default: .io(reason: "\(error)")
        }
    }
}
