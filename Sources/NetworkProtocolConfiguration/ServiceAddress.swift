internal import NIOCore
internal import NetworkProtocol

/// Where a daemon listens or a client connects, in a configuration: `host:port`, `[IPv6 address]:port` or `unix:/path`.
public enum ServiceAddress: Sendable, Hashable {
    /// `host` is a name, or an IPv4 or IPv6 address without brackets.
    case tcp(host: String, port: Int)
    /// A Unix socket at an absolute path.
    case unix(path: String)

    /// Longest name of a host, in bytes (RFC 1035, section 2.3.4).
    private static let maximumNameLength = 253

    /// Nil unless `text` has one of the three forms, with a port of 0 to 65535, or an absolute path that the system
    /// accepts.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= UnixListeningSocket.maximumPathLength,
                !path.hasSuffix("/"), !path.utf8.contains(0)
            else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...].utf8
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(text[text.index(after: colon)...]), port <= 65_535
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 {
            host = host.dropFirst().dropLast()
            guard ServiceAddress.isIPv6(host) else { return nil }
        } else {
            guard ServiceAddress.isName(host) else { return nil }
        }
        self = .tcp(host: String(host), port: port)
    }

    /// With or without a zone (RFC 4007, section 11).
    private static func isIPv6(_ host: Substring) -> Bool {
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 1 || isName(parts[1]) else { return false }
        guard case .v6? = try? SocketAddress(ipAddress: String(parts[0]), port: 0) else { return false }
        return true
    }

    /// Letters, digits, `-`, `_` and `.`; four numbers must be an IPv4 address.
    private static func isName(_ host: Substring) -> Bool {
        guard (1...maximumNameLength).contains(host.utf8.count) else { return false }
        let isPlain = host.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
            default: false
            }
        }
        guard isPlain else { return false }
        if host.unicodeScalars.contains(where: { $0 != "." && !("0"..."9").contains($0) }) { return true }
        return (try? SocketAddress(ipAddress: String(host), port: 0)) != nil
    }

    static let expected = "host:port, [IPv6 address]:port or unix:/absolute/path"
}

extension ServiceAddress: CustomStringConvertible {
    /// As ``init(_:)`` parses it.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
