package import NIOCore
package import PacketIO

/// The two addresses of a connection. An IPv4 address inside IPv6 is the IPv4 address: one rule for both.
package struct RemoteEnd: Sendable, CustomStringConvertible {
    package let address: InternetAddress
    package let local: InternetAddress

    package init?(_ channel: any Channel) {
        guard let remote = channel.remoteAddress.flatMap(InternetAddress.init(socket:)),
            let local = channel.localAddress.flatMap(InternetAddress.init(socket:))
        else { return nil }
        self.address = remote
        self.local = local
    }

    package var description: String { address.description }
}

extension InternetAddress {
    /// nil for anything but IPv4 and IPv6. Keeps the scope of a link-local address, which is meaningless without it.
    package init?(socket: SocketAddress) {
        let address = unsafe socket.withSockAddr { pointer, size in
            // NIO passes the address that it stores, and its size.
            unsafe InternetAddress(UnsafeRawBufferPointer(start: pointer, count: size))
        }
        guard let address else { return nil }
        self = address
    }
}
