package import Identity
internal import PacketIO

/// Where a courier serves that needs no ticket: its Endpoint ID, its host and its UDP port. Written `ID@HOST:PORT`.
package struct PeerLocation: Equatable, Sendable {
    /// The port if none is named.
    package static let defaultPort: UInt16 = 4900

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
        let place = HostPort(String(text[text.index(after: at)...])) {
            $0.value > 32 && $0.value < 127 && !["/", "[", "]", "@"].contains($0)
        }
        guard let place else { throw .form }
        host = place.host
        port = place.port ?? Self.defaultPort
    }
}

extension PeerLocation: CustomStringConvertible {
    package var description: String { "\(endpointID)@\(place)" }

    /// `HOST:PORT`.
    package var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
