internal import Glibc
internal import NIOCore
internal import SystemErrors

/// Why a daemon could not start.
public enum DaemonError: Error, Sendable, Hashable {
    /// The system refused the address, for this reason; or another process listens there.
    case cannotListen(address: String, reason: String)
    /// The certificate or the key cannot be used.
    case tls(reason: String)
    /// It ran before; create another.
    case alreadyRan
    /// The shutdown timed out, and work in progress was cut off.
    case shutdownTimedOut(connections: Int)
}

extension DaemonError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .tls(let reason): "the certificate or key for TLS cannot be used: \(reason)"
        case .alreadyRan: "a daemon runs once; make another one"
        case .shutdownTimedOut(let connections):
            "the shutdown took longer than it may, and \(connections == 1 ? "a connection was" : "\(connections) connections were") cut off"
        }
    }
}

extension DaemonError {
    package static func listening(_ address: String, _ error: any Error) -> DaemonError {
        switch error {
        case let error as DaemonError: error
        case let error as IOError: .cannotListen(address: address, reason: reason(error.errnoCode))
        case let error as SystemError: .cannotListen(address: address, reason: reason(error.code))
        case SocketAddressError.unknown: .cannotListen(address: address, reason: unknownName)
        case let error as SocketAddressError.UnknownHost:
            .cannotListen(address: address, reason: "\(unknownName) (\(error.host))")
        default: .cannotListen(address: address, reason: "the address cannot be used (\(error))")
        }
    }

    package static func noPort(_ address: String, _ port: Int) -> DaemonError {
        .cannotListen(address: address, reason: "invalid port \(port): must be 1–65535, or 0 for any free port")
    }

    private static let unknownName = "the name is not known; a host is a name or an address without brackets"

    private static func reason(_ code: Int32) -> String {
        switch code {
        case EADDRINUSE: "another program listens there; stop it or take another address"
        case EADDRNOTAVAIL: "this machine does not have that address; `ip address` lists those it has"
        case EACCES: "this user may not; ports below 1024 are for root, and a socket's folder must be writable"
        case ENOENT: "the folder does not exist"
        default: SystemError.reason(of: code)
        }
    }
}
