/// A host and a port as people write them: `host`, `host:port`, `address:port`, `[ipv6]`, `[ipv6]:port`, `ipv6`.
package struct HostPort: Equatable, Sendable {
    /// Longest host name in bytes (RFC 1035, 2.3.4).
    private static let longestHost = 253

    package let host: String
    /// Nil if none is written.
    package let port: UInt16?

    /// Nil for another form, for a host of no or too many bytes or with a scalar that is not allowed, and for a port
    /// that is not 1…65535.
    package init?(_ text: String, allowing isAllowed: (Unicode.Scalar) -> Bool) {
        // Scalars, not characters: a combining mark after a colon would hide it.
        let scalars = text.unicodeScalars
        var host = scalars[...]
        var digits: Substring.UnicodeScalarView?
        if scalars.first == "[" {
            guard let close = scalars.firstIndex(of: "]") else { return nil }
            host = scalars[..<close].dropFirst()
            let rest = scalars[close...].dropFirst()
            if let first = rest.first {
                guard first == ":" else { return nil }
                digits = rest.dropFirst()
            }
        } else if let colon = scalars.firstIndex(of: ":"), colon == scalars.lastIndex(of: ":") {
            // More than one colon is an IPv6 address without a port.
            host = scalars[..<colon]
            digits = scalars[colon...].dropFirst()
        }
        self.host = String(host)
        guard (1...Self.longestHost).contains(self.host.utf8.count), host.allSatisfy(isAllowed) else { return nil }
        guard let digits else {
            port = nil
            return
        }
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = UInt16(String(digits)), port > 0 else {
            return nil
        }
        self.port = port
    }
}
