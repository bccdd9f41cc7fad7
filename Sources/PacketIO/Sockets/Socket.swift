internal import CLinux
internal import Glibc
package import SystemErrors

/// Opening sockets: bind, listen, accept, connect.
package enum Socket {
    /// Connections that may wait to be accepted: all streams of a test arrive at once, beside others.
    static let backlog: Int32 = 1_024

    /// A UDP socket; port 0 takes any. IPv6 `::` accepts IPv4 too.
    package static func bindUDP(_ address: InternetAddress) throws(SystemError) -> SocketDescriptor {
        let socket = try SocketDescriptor.open(address.host, type: SOCK_DGRAM)
        if !address.host.isIPv4 { try socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0, "IPV6_V6ONLY") }
        try socket.bind(address)
        return socket
    }

    /// A listening TCP socket; port 0 takes any. IPv6 `::` accepts IPv4 too.
    package static func listenTCP(_ address: InternetAddress) throws(SystemError) -> SocketDescriptor {
        let socket = try SocketDescriptor.open(address.host, type: SOCK_STREAM)
        if !address.host.isIPv4 { try socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0, "IPV6_V6ONLY") }
        // A port whose last connections are in TIME_WAIT is free for us; one that another process listens on is not.
        try socket.set(SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
        try socket.bind(address)
        _ = try SystemCall.check(SystemCall.listen(socket.raw, Self.backlog), "listen", address)
        return socket
    }

    /// Waits for a connection; its descriptor blocks.
    package static func acceptTCP(_ listener: borrowing SocketDescriptor) throws(SystemError) -> SocketDescriptor {
        SocketDescriptor(owning: try SystemCall.check(SystemCall.accept(listener.raw), "accept", listener.raw))
    }

    /// A connected, blocking TCP socket.
    /// - Parameters:
    ///   - local: the address to connect from; nil: the routing table decides.
    ///   - timeout: nanoseconds, at most an hour.
    package static func connectTCP(
        _ address: InternetAddress,
        from local: InternetHost? = nil,
        timeout: Int64 = 5_000_000_000
    ) throws(SystemError) -> SocketDescriptor {
        let socket = try SocketDescriptor.open(address.host, type: SOCK_STREAM)
        if let local { try socket.bind(InternetAddress(local, port: 0)) }
        _ = try SystemCall.check(SystemCall.setBlocking(socket.raw, false), "fcntl", address)
        let code = SystemCall.connect(socket.raw, address)
        if code == -EINPROGRESS || code == -EINTR {
            try finishConnecting(
                socket,
                address,
                deadline: KernelClock.monotonic + min(timeout, 3_600_000_000_000)
            )
        } else {
            _ = try SystemCall.check(code, "connect", address)
        }
        _ = try SystemCall.check(SystemCall.setBlocking(socket.raw, true), "fcntl", address)
        return socket
    }

    private static func finishConnecting(
        _ socket: borrowing SocketDescriptor,
        _ address: InternetAddress,
        deadline: Int64
    ) throws(SystemError) {
        while true {
            let left = max(0, deadline - KernelClock.monotonic)
            let ready = SystemCall.wait(socket.raw, writable: true, wake: -1, timeout: left)
            if ready == -EINTR { continue }
            if try SystemCall.check(ready, "ppoll", address) != 0 { break }
            throw SystemError(call: "connect", subject: address.description, code: ETIMEDOUT)
        }
        let (code, failure) = SystemCall.getOption(socket.raw, SOL_SOCKET, SO_ERROR)
        _ = try SystemCall.check(code, "getsockopt", address)
        if failure != 0 { throw SystemError(call: "connect", subject: address.description, code: failure) }
    }

    /// The largest packet to the connected peer, if the kernel knows it; otherwise nil.
    static func pathMTU(_ descriptor: Int32) -> Int? {
        for (level, option) in [(Int32(IPPROTO_IP), IP_MTU), (Int32(IPPROTO_IPV6), IPV6_MTU)] {
            let (code, value) = SystemCall.getOption(descriptor, level, option)
            if code >= 0, value > 0 { return Int(value) }
        }
        return nil
    }

    /// A UDP socket that sends to and receives from `address` only.
    package static func connectUDP(
        _ address: InternetAddress,
        from local: InternetHost? = nil
    ) throws(SystemError) -> SocketDescriptor {
        let socket = try SocketDescriptor.open(address.host, type: SOCK_DGRAM)
        if let local { try socket.bind(InternetAddress(local, port: 0)) }
        while true {
            let code = SystemCall.connect(socket.raw, address)
            if code == -EINTR { continue }
            _ = try SystemCall.check(code, "connect", address)
            return socket
        }
    }
}
