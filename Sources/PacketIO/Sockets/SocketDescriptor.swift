internal import CLinux
internal import Glibc
package import SystemErrors

/// An open socket, closed with its value.
package struct SocketDescriptor: ~Copyable, Sendable {
    package let raw: Int32

    /// Takes ownership of a descriptor.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        _ = Glibc.close(raw)
    }

    /// Gives up ownership without closing the descriptor.
    package consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }
}

extension SocketDescriptor {
    static func open(_ host: InternetHost, type: __socket_type) throws(SystemError) -> SocketDescriptor {
        let raw = SystemCall.socket(host.isIPv4 ? AF_INET : AF_INET6, Int32(bitPattern: type.rawValue))
        return SocketDescriptor(owning: try SystemCall.check(raw, "socket", host))
    }

    /// Sets an integer option.
    package func set(_ level: Int32, _ option: Int32, _ value: Int32, _ name: String) throws(SystemError) {
        _ = try SystemCall.check(SystemCall.setOption(raw, level, option, value), "setsockopt", name)
    }

    /// Requests socket buffers; the kernel may grant less, which is no error.
    package func askBuffers(receive: Int32, send: Int32? = nil) {
        _ = SystemCall.setOption(raw, SOL_SOCKET, SO_RCVBUF, receive)
        if let send { _ = SystemCall.setOption(raw, SOL_SOCKET, SO_SNDBUF, send) }
    }

    func bind(_ address: InternetAddress) throws(SystemError) {
        _ = try SystemCall.check(SystemCall.bind(raw, address), "bind", address)
    }

    /// The address the socket is bound to.
    package func localAddress() throws(SystemError) -> InternetAddress {
        try name("getsockname", SystemCall.localName(raw))
    }

    /// The address the socket is connected to.
    package func peerAddress() throws(SystemError) -> InternetAddress {
        try name("getpeername", SystemCall.peerName(raw))
    }

    private func name(_ call: String, _ got: (Int32, sockaddr_storage, socklen_t)) throws(SystemError)
        -> InternetAddress
    {
        _ = try SystemCall.check(got.0, call, raw)
        guard let address = InternetAddress(got.1, length: Int(got.2)) else {
            throw SystemError(call: call, code: EAFNOSUPPORT)
        }
        return address
    }

    /// Ends the connection for the other side and for every thread that waits on this socket.
    package func shutDown(_ how: Int32 = Int32(SHUT_RDWR)) {
        _ = SystemCall.shutDown(raw, how)
    }
}
