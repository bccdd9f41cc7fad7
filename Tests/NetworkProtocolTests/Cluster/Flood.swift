internal import Glibc
internal import NIOCore
internal import NetworkProtocol
internal import Testing

/// Sends datagrams to a port of 127.0.0.1 as fast as the system takes them.
struct Flood: ~Copyable {
    private let descriptor: Int32

    init(to address: MemberAddress) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        let target = try SocketAddress(ipAddress: "127.0.0.1", port: Int(address.port))
        let isConnected = target.withSockAddr { connect(descriptor, $0, socklen_t($1)) == 0 }
        try #require(isConnected)
    }

    deinit { close(descriptor) }

    /// Sends `count` datagrams, taking these in turn.
    func send(_ datagrams: [[UInt8]], count: Int) {
        for number in 0..<count {
            let datagram = datagrams[number % datagrams.count]
            _ = Glibc.send(descriptor, datagram, datagram.count, 0)
        }
    }
}
