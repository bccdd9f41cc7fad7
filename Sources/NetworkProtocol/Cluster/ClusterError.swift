internal import Glibc
internal import NIOCore
internal import SystemErrors

/// Why a cluster member cannot run.
public enum ClusterError: Error, Sendable, Hashable {
    /// A value of the configuration is out of range; says which, and the rule.
    case configuration(String)
    /// `address` starts with `UDP` or `TCP`.
    case cannotListen(address: String, reason: String)
    /// It listens on every address and has none that others could use.
    case noAddress
    /// It ran before; create another.
    case alreadyRan
}

extension ClusterError: CustomStringConvertible {
    public var description: String {
        switch self {
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
