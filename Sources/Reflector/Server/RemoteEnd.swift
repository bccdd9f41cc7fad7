internal import NIOCore
internal import PacketIO

/// The two addresses of a connection. An IPv4 address inside IPv6 is the IPv4 address: one rule for both.
struct RemoteEnd: Sendable, CustomStringConvertible {
    let address: InternetAddress
    let local: InternetAddress

    init?(_ channel: any Channel) {
        guard let remote = channel.remoteAddress.flatMap(InternetAddress.init(socket:)),
            let local = channel.localAddress.flatMap(InternetAddress.init(socket:))
        else { return nil }
        self.address = remote
        self.local = local
    }

    var description: String { address.description }
}

extension InternetAddress {
    /// nil for anything but IPv4 and IPv6.
    init?(socket: SocketAddress) {
        guard let host = socket.ipAddress.flatMap({ InternetHost($0) }),
            let port = socket.port.flatMap(UInt16.init(exactly:))
        else { return nil }
        self.init(host, port: port)
    }
}
