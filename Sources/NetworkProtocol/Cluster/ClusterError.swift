internal import Glibc
internal import NIOCore
internal import SystemErrors

/// Why a cluster member cannot run: a ``code`` for the program, a ``message`` for its user.
public struct ClusterError: Error, Sendable, Hashable {
    /// What happened. Later versions may have more codes, so a `switch` needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            case configuration
            case cannotListen = "cannot_listen"
            case noAddress = "no_address"
            case alreadyRan = "already_ran"
        }

        private let name: Name

        private init(_ name: Name) { self.name = name }

        /// A value of the configuration is out of range; `detail` says which, and the rule.
        public static var configuration: Code { Code(.configuration) }
        /// The `address`, which starts with `UDP` or `TCP`, cannot be listened on; `detail` says why.
        public static var cannotListen: Code { Code(.cannotListen) }
        /// It listens on every address and has none that others could use.
        public static var noAddress: Code { Code(.noAddress) }
        /// It ran before; create another.
        public static var alreadyRan: Code { Code(.alreadyRan) }

        /// One word, such as `cannot_listen`.
        public var description: String { name.rawValue }
    }

    private enum Value: Sendable, Hashable {
        case configuration(String)
        case cannotListen(address: String, reason: String)
        case noAddress
        case alreadyRan
    }

    private let value: Value

    /// - Parameter problem: the value, and the rule.
    public static func configuration(_ problem: String) -> ClusterError { ClusterError(value: .configuration(problem)) }

    /// - Parameter address: starts with `UDP` or `TCP`.
    public static func cannotListen(address: String, reason: String) -> ClusterError {
        ClusterError(value: .cannotListen(address: address, reason: reason))
    }

    public static var noAddress: ClusterError { ClusterError(value: .noAddress) }

    public static var alreadyRan: ClusterError { ClusterError(value: .alreadyRan) }

    public var code: Code {
        switch value {
        case .configuration: .configuration
        case .cannotListen: .cannotListen
        case .noAddress: .noAddress
        case .alreadyRan: .alreadyRan
        }
    }

    /// Where it could not listen, for ``Code/cannotListen``.
    public var address: String? { if case .cannotListen(let address, _) = value { address } else { nil } }

    /// What the code alone does not say, for ``Code/configuration`` and ``Code/cannotListen``.
    public var detail: String? {
        switch value {
        case .configuration(let text), .cannotListen(_, let text): text
        default: nil
        }
    }
}

extension ClusterError: CustomStringConvertible {
    public var description: String { message }

    /// What failed and how to mend it, in a sentence for the user.
    public var message: String {
        switch value {
        case .configuration(let problem): "the cluster's configuration is wrong: \(problem)"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .noAddress: "this machine has no address to tell other members; set `advertised`"
        case .alreadyRan: "a cluster's member runs once; make another one"
        }
    }
}

extension ClusterError {
    static func listening(_ address: MemberAddress, _ error: any Error) -> ClusterError {
        let address = "UDP \(address)"
        guard let code = (error as? IOError)?.errnoCode else {
            return .cannotListen(address: address, reason: "the address cannot be used (\(error))")
        }
        let reason =
            switch code {
            case EADDRINUSE: "another program listens there; stop it or take another port"
            case EADDRNOTAVAIL: "this machine does not have that address; `ip address` lists those it has"
            case EACCES: "this user may not; ports below 1024 are for root"
            default: SystemError.reason(of: code)
            }
        return .cannotListen(address: address, reason: reason)
    }
}
