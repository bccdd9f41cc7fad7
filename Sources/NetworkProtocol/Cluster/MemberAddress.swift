/// Where a member receives datagrams: an IPv4 or IPv6 address and a UDP port.
///
/// An IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2) is the IPv4 address. Scopes of link-local addresses are not
/// carried: they are meaningful on one machine only.
public struct MemberAddress: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64
    /// 1…65535 for a member; 0 lets a socket choose.
    public let port: UInt16
    /// False for IPv6.
    public let isIPv4: Bool

    /// Returns nil unless `ip` has 4 or 16 bytes, in network order.
    public init?(ip: some Collection<UInt8>, port: UInt16) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in ip.prefix(16) {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(byte)
        }
        switch ip.count {
        case 4: self.init(high: 0, low: low, port: port, isIPv4: true)
        case 16 where high == 0 && low >> 32 == 0xffff:
            self.init(high: 0, low: low & 0xffff_ffff, port: port, isIPv4: true)
        case 16: self.init(high: high, low: low, port: port, isIPv4: false)
        default: return nil
        }
    }

    private init(high: UInt64, low: UInt64, port: UInt16, isIPv4: Bool) {
        self.high = high
        self.low = low
        self.port = port
        self.isIPv4 = isIPv4
    }

    /// 4 or 16 bytes, in network order.
    public var ip: [UInt8] {
        let lower = stride(from: isIPv4 ? UInt64(24) : 56, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: low >> $0)
        }
        if isIPv4 { return lower }
        return stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: high >> $0) } + lower
    }

    func withPort(_ port: UInt16) -> MemberAddress {
        MemberAddress(high: high, low: low, port: port, isIPv4: isIPv4)
    }

    /// Whether listening there means listening on every address.
    var isUnspecified: Bool { high == 0 && low == 0 }

    var isLoopback: Bool { isIPv4 ? low >> 24 == 127 : high == 0 && low == 1 }

    /// Whether a single member can be reached there: not port 0, unspecified, multicast or the limited broadcast.
    public var isUnicast: Bool {
        guard port != 0 else { return false }
        if isIPv4 { return low >> 24 != 0 && low >> 28 < 14 && low != 0xffff_ffff }
        return high >> 56 != 0xff && (high != 0 || low != 0)
    }
}
