internal import CLinux
internal import Glibc

/// An IPv4 or IPv6 address without a port. An IPv4 address and its v4-mapped IPv6 form (`::ffff:1.2.3.4`) are one
/// value.
///
/// Public, because only public bodies are inlined into other modules' loops.
public struct InternetHost: Hashable, Sendable {
    /// The 128 bits as two big-endian halves; IPv4 is stored v4-mapped (RFC 4291, 2.5.5.2).
    public let high: UInt64
    public let low: UInt64
    /// Interface of a link-local address, 0 otherwise.
    public let scope: UInt32

    @inlinable static var mappedPrefix: UInt64 { 0xFFFF_0000_0000 }

    @inlinable
    public init(high: UInt64, low: UInt64, scope: UInt32 = 0) {
        self.high = high
        self.low = low
        // Only link-local addresses need it; for others the kernel reports 0, and equality must not depend on it.
        self.scope = high >> 54 == 0xFE80 >> 6 ? scope : 0
    }

    @inlinable
    public init(ipv4 address: UInt32) {
        self.init(high: 0, low: Self.mappedPrefix | UInt64(address))
    }

    /// A numeric address: `1.2.3.4`, `fe80::1%eth0`, `::1`. Names are not resolved.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let head = parts.first, head.utf8.count <= 45, !head.utf8.contains(0) else { return nil }
        var four = in_addr()
        var six = in6_addr()
        // inet_pton only writes the structure it is given.
        if parts.count == 1, unsafe inet_pton(AF_INET, String(head), &four) == 1 {
            self.init(ipv4: UInt32(bigEndian: four.s_addr))
        } else if unsafe inet_pton(AF_INET6, String(head), &six) == 1 {
            var scope: UInt32 = 0
            if parts.count == 2 {
                guard !parts[1].isEmpty, !parts[1].utf8.contains(0) else { return nil }
                scope = UInt32(parts[1]) ?? (unsafe if_nametoindex(String(parts[1])))
                guard scope != 0 else { return nil }
            }
            self.init(six, scope: scope)
        } else {
            return nil
        }
    }

    init(_ address: in6_addr, scope: UInt32) {
        // in6_addr is sixteen plain bytes.
        let halves = unsafe unsafeBitCast(address, to: (UInt64, UInt64).self)
        self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1), scope: scope)
    }

    @inlinable
    public static func == (left: InternetHost, right: InternetHost) -> Bool {
        left.low == right.low && left.high == right.high && left.scope == right.scope
    }

    package static let anyIPv4 = InternetHost(ipv4: 0)
    package static let anyIPv6 = InternetHost(high: 0, low: 0)
    package static let loopbackIPv4 = InternetHost(ipv4: 0x7F00_0001)
    package static let loopbackIPv6 = InternetHost(high: 0, low: 1)

    package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }
    package var isAny: Bool { self == .anyIPv4 || self == .anyIPv6 }
    var ipv4: UInt32 { UInt32(truncatingIfNeeded: low) }

    var in6: in6_addr {
        // in6_addr is sixteen plain bytes.
        unsafe unsafeBitCast((high.bigEndian, low.bigEndian), to: in6_addr.self)
    }
}

extension InternetHost: CustomStringConvertible {
    public var description: String {
        if isIPv4 {
            let a = ipv4
            return "\(a >> 24).\(a >> 16 & 255).\(a >> 8 & 255).\(a & 255)"
        }
        var address = in6
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // inet_ntop writes at most the length it is given, zero-terminated.
        guard unsafe inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "?" }
        let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return scope == 0 ? name : "\(name)%\(scope)"
    }
}

/// An IPv4 or IPv6 address with a port.
public struct InternetAddress: Hashable, Sendable, CustomStringConvertible {
    public var host: InternetHost
    public var port: UInt16

    @inlinable
    public init(_ host: InternetHost, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `1.2.3.4:5` or `[::1]:5`; numeric only.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let port = UInt16(digits) else {
            return nil
        }
        var name = text[..<colon]
        if name.first == "[" {
            guard name.last == "]", name.count > 2 else { return nil }
            name = name.dropFirst().dropLast()
            guard name.contains(":") else { return nil }
        } else if name.contains(":") {
            return nil  // "::1:5" could mean two things
        }
        guard let host = InternetHost(name) else { return nil }
        self.init(host, port: port)
    }

    public var description: String {
        host.isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)"
    }
}
