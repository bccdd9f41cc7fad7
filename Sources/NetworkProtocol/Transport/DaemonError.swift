internal import Glibc
internal import NIOCore
internal import SystemErrors

/// Why a daemon could not start, or did not end in time: a ``code`` for the program, a ``message`` for its user.
public struct DaemonError: Error, Sendable, Hashable {
    /// What happened. Later versions may have more codes, so a `switch` needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            case cannotListen = "cannot_listen"
            case tls
            case alreadyRan = "already_ran"
            case shutdownTimedOut = "shutdown_timed_out"
        }

        private let name: Name

        private init(_ name: Name) { self.name = name }

        /// The system refused the `address`, or another process listens there; `detail` says why.
        public static var cannotListen: Code { Code(.cannotListen) }
        /// The certificate or the key cannot be used; `detail` says why.
        public static var tls: Code { Code(.tls) }
        /// It ran before; create another.
        public static var alreadyRan: Code { Code(.alreadyRan) }
        /// The shutdown timed out, and work in progress on so many `connections` was cut off.
        public static var shutdownTimedOut: Code { Code(.shutdownTimedOut) }

        /// One word, such as `cannot_listen`.
        public var description: String { name.rawValue }
    }

    private enum Value: Sendable, Hashable {
        case cannotListen(address: String, reason: String)
        case tls(reason: String)
        case alreadyRan
        case shutdownTimedOut(connections: Int)
    }

    private let value: Value

    public static func cannotListen(address: String, reason: String) -> DaemonError {
        DaemonError(value: .cannotListen(address: address, reason: reason))
    }

    public static func tls(reason: String) -> DaemonError { DaemonError(value: .tls(reason: reason)) }

    public static var alreadyRan: DaemonError { DaemonError(value: .alreadyRan) }

    public static func shutdownTimedOut(connections: Int) -> DaemonError {
        DaemonError(value: .shutdownTimedOut(connections: connections))
    }

    public var code: Code {
        switch value {
        case .cannotListen: .cannotListen
        case .tls: .tls
        case .alreadyRan: .alreadyRan
        case .shutdownTimedOut: .shutdownTimedOut
        }
    }

    /// Where it could not listen, for ``Code/cannotListen``.
    public var address: String? { if case .cannotListen(let address, _) = value { address } else { nil } }

    /// What the code alone does not say, for ``Code/cannotListen`` and ``Code/tls``.
    public var detail: String? {
        switch value {
        case .cannotListen(_, let reason), .tls(let reason): reason
        default: nil
        }
    }

    /// The connections that were cut off, for ``Code/shutdownTimedOut``.
    public var connections: Int? { if case .shutdownTimedOut(let count) = value { count } else { nil } }
}

extension DaemonError: CustomStringConvertible {
    public var description: String { message }

    /// What failed and how to mend it, in a sentence for the user.
    public var message: String {
        switch value {
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
