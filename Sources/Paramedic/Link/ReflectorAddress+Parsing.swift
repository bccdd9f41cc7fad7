package import Identity
internal import LinkMeasurement
internal import StrictJSON

extension ReflectorAddress {
    /// The default control port.
    package static let defaultPort = 4000
    /// Longest host name in bytes (RFC 1035, 2.3.4).
    private static let maximumHostLength = 253

    /// Parses `host`, `host:port`, `address:port`, `[ipv6]`, `[ipv6]:port`.
    package init(parsing text: String, endpointID: EndpointID) throws {
        // Scalars, not characters: a combining mark after a colon would hide it.
        let scalars = text.unicodeScalars
        var host = scalars[...]
        var port: Int?
        if scalars.first == "[" {
            guard let close = scalars.firstIndex(of: "]") else { throw ParamedicError.badAddress(text) }
            host = scalars[..<close].dropFirst()
            let rest = scalars[close...].dropFirst()
            if !rest.isEmpty {
                guard rest.first == ":" else { throw ParamedicError.badAddress(text) }
                port = try Self.port(rest.dropFirst(), of: text)
            }
        } else if let colon = scalars.firstIndex(of: ":"), colon == scalars.lastIndex(of: ":") {
            // More than one colon is an IPv6 address without a port.
            host = scalars[..<colon]
            port = try Self.port(scalars[colon...].dropFirst(), of: text)
        }
        let name = String(host)
        guard (1...Self.maximumHostLength).contains(name.utf8.count), host.allSatisfy(Self.mayBeInHost) else {
            throw ParamedicError.badAddress(text)
        }
        if Self.lacksZone(name) {
            throw ParamedicError.invalid(
                "\(name.printable(limit: 64)) is a link-local address, which is ambiguous without its interface: write "
                    + "[\(name.printable(limit: 64))%eth0]:\(port ?? Self.defaultPort)"
            )
        }
        self.init(host: name, port: port ?? Self.defaultPort, endpointID: endpointID)
    }

    /// fe80::/10 without an interface.
    private static func lacksZone(_ name: String) -> Bool {
        guard name.contains(":"), !name.contains("%") else { return false }
        let first = name.lowercased().prefix { $0 != ":" }
        return first.count == 4 && ["fe8", "fe9", "fea", "feb"].contains { first.hasPrefix($0) }
    }

    private static func port(_ digits: Substring.UnicodeScalarView, of text: String) throws -> Int {
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = UInt16(String(digits)), port > 0 else {
            throw ParamedicError.badAddress(text)
        }
        return Int(port)
    }

    private static func mayBeInHost(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.properties.isWhitespace && !scalar.isHazardousInText && !["/", "[", "]"].contains(scalar)
    }
}
