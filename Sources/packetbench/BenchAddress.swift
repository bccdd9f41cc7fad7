internal import ArgumentParser

/// `HOST:PORT`, `[IPV6]:PORT`, the same after `tls:`, or `unix:PATH`.
enum BenchAddress: Sendable, Hashable {
    case tcp(host: String, port: Int)
    case tls(host: String, port: Int)
    case unix(path: String)

    static let forms = "HOST:PORT, [IPV6]:PORT, tls:HOST:PORT or unix:PATH"

    /// Parses an address. Throws a `ValidationError` that says what is wrong with it; the parser names the option and
    /// the text.
    ///
    /// - Parameter ports: the valid ports; 0 is valid only for listening.
    init(parsing text: String, ports: ClosedRange<Int>) throws {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else { throw ValidationError("a path must follow, as in unix:/run/bench.sock") }
            self = .unix(path: path)
            return
        }
        let isTLS = text.hasPrefix("tls:")
        let (host, digits) = try BenchAddress.split(text.dropFirst(isTLS ? 4 : 0))
        guard !digits.isEmpty else { throw ValidationError("the port is missing; give \(BenchAddress.forms)") }
        let range = "\(ports.lowerBound) to \(ports.upperBound)"
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits), port <= ports.upperBound
        else { throw ValidationError("invalid port \"\(digits)\": must be \(range)") }
        guard port >= ports.lowerBound else {
            throw ValidationError(
                "port 0 is only for `packetbench serve`, which prints the port that it got; give a number from \(range)"
            )
        }
        guard !host.isEmpty else {
            throw ValidationError("the host is missing; 0.0.0.0 is every IPv4 address of this machine")
        }
        self = isTLS ? .tls(host: String(host), port: port) : .tcp(host: String(host), port: port)
    }

    /// Host, without its brackets, and port; a missing one is empty.
    private static func split(_ place: Substring) throws -> (host: Substring, port: Substring) {
        if place.hasPrefix("[") {
            guard let end = place.firstIndex(of: "]") else {
                throw ValidationError("the bracket is not closed; give [IPV6]:PORT, as in [::1]:9000")
            }
            let rest = place[place.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw ValidationError("the port after the bracket is missing; give [IPV6]:PORT, as in [::1]:9000")
            }
            return (place[..<end].dropFirst(), rest.dropFirst())
        }
        guard let colon = place.lastIndex(of: ":") else { return (place, "") }
        let host = place[..<colon]
        let first = place.prefix { $0 != ":" }
        if host.contains(":") || place[colon...].hasPrefix("://") {
            let isGroupOfIPv6 = first.count <= 4 && first.allSatisfy(\.isHexDigit)
            throw ValidationError(
                isGroupOfIPv6
                    ? "an IPv6 address needs brackets, as in [::1]:9000"
                    : "unknown kind of address \"\(first):\"; give \(BenchAddress.forms)"
            )
        }
        return (host, place[colon...].dropFirst())
    }
}

extension BenchAddress: CustomStringConvertible {
    /// In the form that is parsed.
    var description: String {
        switch self {
        case .tcp(let host, let port): "\(BenchAddress.bracketed(host)):\(port)"
        case .tls(let host, let port): "tls:\(BenchAddress.bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}
