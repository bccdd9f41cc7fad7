internal import Glibc
internal import NIOCore
internal import Operations
internal import SystemErrors

/// A port on which the server could not listen.
package struct ListenError: Error, CustomStringConvertible {
    /// What the port is for: `control port`.
    let what: String
    let address: ListenAddress
    /// The configuration key of the address, and the flag if there is one.
    let key: String
    /// `errno` of the failed call; nil for another error.
    let code: Int32?

    init(_ error: any Error, what: String, address: ListenAddress, key: String) {
        self.what = what
        self.address = address
        self.key = key
        self.code = (error as? IOError)?.errnoCode
    }

    package var description: String { "cannot listen on \(address) for the \(what): \(reason)" }

    private var reason: String {
        switch code {
        case EADDRINUSE:
            "another program listens there; find it with `ss -ltnp 'sport = :\(address.port)'` and stop it, or change \(key)"
        case EADDRNOTAVAIL:
            "this machine does not have that address; `ip address` lists its addresses; change \(key)"
        case EACCES:
            "ports below 1024 are for root and for programs with CAP_NET_BIND_SERVICE; choose a higher one in \(key)"
        case EAFNOSUPPORT: "this machine has no \(address.host.contains(":") ? "IPv6" : "IPv4"); change \(key)"
        case .some(let code): "\(SystemError.reason(of: code)); change \(key)"
        case nil: "the address cannot be used; change \(key)"
        }
    }
}
