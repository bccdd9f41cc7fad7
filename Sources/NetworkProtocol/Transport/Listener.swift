/// Where a daemon listens, and how each side identifies the other.
public struct Listener: Sendable {
    enum Kind: Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    let kind: Kind
    let protection: ConnectionSetup.Protection
    private(set) var tls: TLSServer?

    /// TCP with the library's handshake and sealed records. Port 0 is any free port.
    public static func tcp(host: String, port: Int, trust: Trust) -> Listener {
        Listener(kind: .tcp(host: host, port: port), protection: .handshake(trust))
    }

    /// TCP in the clear: **no peer is authenticated, and everyone on the path can read and change what is sent**.
    public static func insecurePlaintextTCP(host: String, port: Int) -> Listener {
        Listener(kind: .tcp(host: host, port: port), protection: .none)
    }

    /// TLS; `tls` decides which clients are accepted.
    public static func tls(host: String, port: Int, _ tls: TLSServer) -> Listener {
        Listener(kind: .tcp(host: host, port: port), protection: .tls(pins: tls.pins, name: nil), tls: tls)
    }

    /// A Unix socket, mode 0600: processes of this user and of root can connect, and nothing is encrypted. A socket
    /// that a dead process left is replaced, one on which another process listens is not.
    public static func unix(path: String) -> Listener {
        Listener(kind: .unix(path: path), protection: .none)
    }

    /// A Unix socket, mode 0600, with handshake and sealed records.
    public static func unix(path: String, trust: Trust) -> Listener {
        Listener(kind: .unix(path: path), protection: .handshake(trust))
    }
}

extension Listener: CustomStringConvertible {
    public var description: String {
        switch kind {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
