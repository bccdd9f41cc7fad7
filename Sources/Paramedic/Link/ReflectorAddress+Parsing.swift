package import Identity
internal import LinkMeasurement
internal import PacketIO
internal import StrictJSON

extension ReflectorAddress {
    /// The default control port.
    package static let defaultPort = 4000

    /// Parses `host`, `host:port`, `address:port`, `[ipv6]`, `[ipv6]:port`.
    package init(parsing text: String, endpointID: EndpointID) throws {
        guard let place = HostPort(text, allowing: Self.mayBeInHost) else { throw ParamedicError.badAddress(text) }
        let (name, port) = (place.host, place.port.map { Int($0) } ?? Self.defaultPort)
        if Self.lacksZone(name) {
            throw ParamedicError.invalid(
                "\(name.printable(limit: 64)) is a link-local address, which is ambiguous without its interface: write "
                    + "[\(name.printable(limit: 64))%eth0]:\(port)"
            )
        }
        self.init(host: name, port: port, endpointID: endpointID)
    }

    /// fe80::/10 without an interface.
    private static func lacksZone(_ name: String) -> Bool {
        guard name.contains(":"), !name.contains("%") else { return false }
        let first = name.lowercased().prefix { $0 != ":" }
        return first.count == 4 && ["fe8", "fe9", "fea", "feb"].contains { first.hasPrefix($0) }
    }

    private static func mayBeInHost(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.properties.isWhitespace && !scalar.isHazardousInText && !["/", "[", "]"].contains(scalar)
    }
}
