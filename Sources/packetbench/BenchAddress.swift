internal import ArgumentParser

/// `HOST:PORT`, `[IPV6]:PORT`, the same behind `tls:`, or `unix:PATH`.
enum BenchAddress: Sendable, Hashable {
    case tcp(host: String, port: Int)
    case tls(host: String, port: Int)
    case unix(path: String)

    static let forms = "HOST:PORT, [IPV6]:PORT, tls:HOST:PORT or unix:PATH"

    /// Throws a `ValidationError` that names the text and what is wrong with it.
    init(parsing text: String) throws {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else {
                throw ValidationError("address \"\(text)\": a path must follow, as in unix:/run/bench.sock")
            }
            self = .unix(path: path)
            return
        }
        let isTLS = text.hasPrefix("tls:")
        let place = text.dropFirst(isTLS ? 4 : 0)
        guard let colon = place.lastIndex(of: ":") else {
            throw ValidationError("address \"\(text)\": the port is missing; give \(BenchAddress.forms)")
        }
        var host = place[..<colon]
        let digits = place[place.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
            throw ValidationError("address \"\(text)\": \"\(digits)\" is no port; give a number from 0 to 65535")
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw ValidationError("address \"\(text)\": an IPv6 address stands in brackets, as in [::1]:9000")
        }
        guard !host.isEmpty else {
            throw ValidationError(
                "address \"\(text)\": the host is missing; 0.0.0.0 is every IPv4 address of this machine"
            )
        }
        self = isTLS ? .tls(host: String(host), port: Int(port)) : .tcp(host: String(host), port: Int(port))
    }
}

extension BenchAddress: CustomStringConvertible {
    /// As it is read.
    var description: String {
        switch self {
        case .tcp(let host, let port): "\(BenchAddress.bracketed(host)):\(port)"
        case .tls(let host, let port): "tls:\(BenchAddress.bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}
