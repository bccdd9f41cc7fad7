internal import FileTransfer
internal import PacketIO

extension InternetAddress {
    init(_ address: Ticket.Address) {
        let bytes = address.host
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        let host =
            bytes.count == 4
            ? InternetHost(ipv4: UInt32(number(0..<4))) : InternetHost(high: number(0..<8), low: number(8..<16))
        self.init(host, port: address.port)
    }

    /// 16 bytes of the host, IPv4 as ::ffff:a.b.c.d, and 2 of the port.
    var source: [UInt8] { Self.bytes(host.high) + Self.bytes(host.low) + [UInt8(port >> 8), UInt8(port & 255)] }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) }
    }
}

extension Ticket.Address {
    init(_ address: InternetAddress) {
        let bytes = Array(address.source.prefix(16))
        self.init(host: address.host.isIPv4 ? Array(bytes.suffix(4)) : bytes, port: address.port)
    }
}
