internal import NIOCore

/// Where others reach a member.
enum AdvertisedAddress {
    /// What the configuration says; else where it listens; else, if that is everywhere, the first address of this machine that is
    /// no loopback address, or the loopback address if it has none. Nil when that is no address others could send to.
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

    /// Of all interfaces, link-local IPv6 addresses left out, which mean nothing to others; loopback last.
    private static func ownAddresses(port: UInt16) -> [MemberAddress] {
        let all = ((try? System.enumerateDevices()) ?? []).compactMap(\.address).compactMap { MemberAddress($0) }
            .map { $0.withPort(port) }.filter { $0.isUnicast && !($0.ip.starts(with: [0xfe, 0x80]) && !$0.isIPv4) }
        return all.filter { !$0.isLoopback } + all.filter(\.isLoopback)
    }
}
