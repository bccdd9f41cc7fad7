package import Identity

/// Where a courier serves that needs no ticket: its Endpoint ID, its host and its UDP port. Written `ID@HOST:PORT`.
package struct PeerLocation: Equatable, Sendable {
    /// The port if none is named.
    package static let defaultPort: UInt16 = 4900
    /// Longest host name in bytes (RFC 1035, 2.3.4).
    private static let longestHost = 253

    package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
        case form
        case endpointID(String)

        package var description: String {
            switch self {
            case .form: "expected ID@HOST or ID@HOST:PORT, with an IPv6 address in brackets"
            case .endpointID(let reason): reason
            }
        }
    }

    package let endpointID: EndpointID
    package let host: String
    package let port: UInt16

    package init(endpointID: EndpointID, host: String, port: UInt16 = defaultPort) {
        self.endpointID = endpointID
        self.host = host
        self.port = port
    }

    package init(parsing text: String) throws(Problem) {
        guard let at = text.firstIndex(of: "@") else { throw .form }
        do {
            endpointID = try EndpointID(parsing: String(text[..<at]))
        } catch { throw .endpointID("\(error)") }
        guard let (host, port) = Self.place(String(text[text.index(after: at)...])) else { throw .form }
        self.host = host
        self.port = port ?? Self.defaultPort
    }

    /// Scalars, not characters: a combining mark after a colon would hide it.
    private static func place(_ text: String) -> (host: String, port: UInt16?)? {
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
        let name = String(host)
        guard (1...longestHost).contains(name.utf8.count),
            host.allSatisfy({ $0.value > 32 && $0.value < 127 && !["/", "[", "]", "@"].contains($0) })
        else { return nil }
        guard let digits else { return (name, nil) }
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = UInt16(String(digits)), port > 0 else {
            return nil
        }
        return (name, port)
    }
}

extension PeerLocation: CustomStringConvertible {
    package var description: String { "\(endpointID)@\(place)" }

    /// `HOST:PORT`.
    package var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
