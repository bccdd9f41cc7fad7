internal import Glibc
package import NIOCore

extension MemberAddress {
    /// Nil for anything but an Internet address.
    package init?(_ address: SocketAddress) {
        guard let port = address.port.flatMap(UInt16.init(exactly:)) else { return nil }
        // The pointer is not kept.
        let own = unsafe address.withSockAddr { pointer, _ in unsafe MemberAddress(reading: pointer, port: port) }
        guard let own else { return nil }
        self = own
    }

    /// Parses a kernel address: its IP address is at byte 4 of a `sockaddr_in`, at byte 8 of a `sockaddr_in6`.
    ///
    /// The caller's pointer must be to as many bytes as its family has. Nil for other families.
    init?(reading address: UnsafePointer<sockaddr>, port: UInt16) {
        let offset: Int
        let length: Int
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET: (offset, length) = (4, 4)
        case AF_INET6: (offset, length) = (8, 16)
        default: return nil
        }
        let start = unsafe UnsafeRawPointer(address) + offset
        self.init(ip: unsafe Array(UnsafeRawBufferPointer(start: start, count: length)), port: port)
    }

    /// Parses `192.0.2.1:7000` and `[2001:db8::1]:7000`; nil for a name.
    public init?(_ text: String) {
        guard let (host, port) = HostAndPort.split(text), let number = UInt16(exactly: port),
            let address = try? SocketAddress(ipAddress: host, port: Int(number))
        else { return nil }
        self.init(address)
    }

    /// The address for a socket, mapped into IPv6 for an IPv6 socket.
    func socketAddress(inIPv6: Bool) -> SocketAddress? {
        let bytes = isIPv4 && inIPv6 ? [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + ip : ip
        return try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: Int(port))
    }
}

extension MemberAddress: CustomStringConvertible {
    /// The IP address alone, as in RFC 5952.
    public var host: String { socketAddress(inIPv6: false)?.ipAddress ?? "" }

    /// `192.0.2.1:7000` or `[2001:db8::1]:7000`.
    public var description: String { isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}
