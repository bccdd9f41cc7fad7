internal import NIOCore

/// Where a client connects to, and how each side knows the other.
public struct Destination: Sendable {
    enum Kind: Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    let kind: Kind
    let protection: ConnectionSetup.Protection
    private(set) var tls: TLSClient?

    /// TCP with the library's handshake and sealed records.
    ///
    /// - Parameters:
    ///   - host: a name, or an IPv4 or IPv6 address without brackets.
    ///   - trust: whom the daemon must prove to be, and what this side proves.
    public static func tcp(host: String, port: Int, trust: Trust) -> Destination {
        Destination(kind: .tcp(host: host, port: port), protection: .handshake(trust))
    }

    /// TCP in the clear: **nobody is authenticated, and everybody on the path can read and change what is sent**. For a loopback
    /// address, or inside a tunnel that is trusted.
    public static func insecurePlaintextTCP(host: String, port: Int) -> Destination {
        Destination(kind: .tcp(host: host, port: port), protection: .none)
    }

    /// TLS; who the daemon must be is the business of `tls`.
    public static func tls(host: String, port: Int, _ tls: TLSClient) -> Destination {
        Destination(
            kind: .tcp(host: host, port: port),
            protection: .tls(pins: tls.pins, name: tls.serverName ?? host),
            tls: tls
        )
    }

    /// A Unix socket: the file system says who may listen and who may connect, and nothing is encrypted, as it does not leave the
    /// machine. A relative path counts from the working directory.
    public static func unix(path: String) -> Destination {
        Destination(kind: .unix(path: path), protection: .none)
    }

    /// A Unix socket with handshake and sealed records above the file system's permissions.
    public static func unix(path: String, trust: Trust) -> Destination {
        Destination(kind: .unix(path: path), protection: .handshake(trust))
    }

    /// As it stands in errors and logs.
    public var description: String {
        switch kind {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension Destination: CustomStringConvertible {}
