internal import NIOCore

/// Where other members reach a member.
enum AdvertisedAddress {
    /// The configured address; else the listening address; else, if that is unspecified, the first non-loopback address
    /// of this machine, or the loopback address if it has no other. Nil if that is not an address that others could
    /// send to.
    static func of(_ configuration: ClusterConfiguration, bound: MemberAddress) -> MemberAddress? {
        let address: MemberAddress?
        if let advertised = configuration.advertised {
            address = advertised.port == 0 ? advertised.withPort(bound.port) : advertised
        } else if bound.isUnspecified {
            address = ownAddresses(port: bound.port).first { !bound.isIPv4 || $0.isIPv4 }
        } else {
            address = bound
        }
        return address.flatMap { $0.isUnicast ? $0 : nil }
    }

    /// Of all interfaces, without link-local IPv6 addresses, which are meaningless to others; loopback last.
    private static func ownAddresses(port: UInt16) -> [MemberAddress] {
        let all = ((try? System.enumerateDevices()) ?? []).compactMap(\.address).compactMap { MemberAddress($0) }
            .map { $0.withPort(port) }.filter { $0.isUnicast && !($0.ip.starts(with: [0xfe, 0x80]) && !$0.isIPv4) }
        return all.filter { !$0.isLoopback } + all.filter(\.isLoopback)
    }
}
