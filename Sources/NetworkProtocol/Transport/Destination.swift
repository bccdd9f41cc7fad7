internal import NIOCore

/// Where a client connects to, and how each side identifies the other.
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
    ///   - trust: the identity that the daemon must prove, and what this side proves.
    public static func tcp(host: String, port: Int, trust: Trust) -> Destination {
        Destination(kind: .tcp(host: host, port: port), protection: .handshake(trust))
    }

    /// TCP in the clear: **no peer is authenticated, and everyone on the path can read and change what is sent**. For a
    /// loopback address, or inside a trusted tunnel.
    public static func insecurePlaintextTCP(host: String, port: Int) -> Destination {
        Destination(kind: .tcp(host: host, port: port), protection: .none)
    }

    /// TLS; `tls` decides which daemons are accepted.
    public static func tls(host: String, port: Int, _ tls: TLSClient) -> Destination {
        Destination(
            kind: .tcp(host: host, port: port),
            protection: .tls(pins: tls.pins, name: tls.serverName ?? host),
            tls: tls
        )
    }

    /// A Unix socket: the file system decides who may listen and who may connect, and nothing is encrypted, because it
    /// does not leave the machine. A relative path counts from the working directory.
    public static func unix(path: String) -> Destination {
        Destination(kind: .unix(path: path), protection: .none)
    }

    /// A Unix socket with handshake and sealed records on top of the file system's permissions.
    public static func unix(path: String, trust: Trust) -> Destination {
        Destination(kind: .unix(path: path), protection: .handshake(trust))
    }

    /// Its form in errors and logs.
    public var description: String {
        switch kind {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension Destination: CustomStringConvertible {}
