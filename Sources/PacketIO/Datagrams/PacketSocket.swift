internal import CLinux
internal import Glibc
package import SystemErrors

/// A UDP socket of one address family that sends and receives many datagrams in one system call. It never waits; see
/// ``PollSet``. For one thread.
///
/// What it sends is never fragmented, and only the device's MTU limits it: the sender measures the path's MTU itself.
/// ICMP messages change nothing, because anyone can forge them (`IP_RECVERR` is off).
package struct PacketSocket: ~Copyable, Sendable {
    /// Bytes to ask for each of the socket's buffers. The usual default of 212 992 overflows after 0.2 MB when the
    /// receiver is busy for a moment.
    package static let defaultBuffer = 4 << 20

    private let descriptor: SocketDescriptor
    /// The address it is bound to.
    package let address: InternetAddress
    /// The socket's receive buffer as the kernel counts it, twice of what it granted. Its own memory for each datagram
    /// counts too, so that less data fits.
    package let receiveBuffer: Int
    /// The socket's send buffer, counted in the same way.
    package let sendBuffer: Int
    /// Whether the kernel gives out runs of datagrams as one message (`UDP_GRO`, Linux 5.0).
    package let receivesRuns: Bool
    /// Whether runs of datagrams leave as one message (`UDP_SEGMENT`, Linux 4.18). Becomes false when the kernel or a
    /// device refuses one whose datagrams it takes one by one.
    package var sendsRuns = true

    /// Binds to `address`; port 0 takes any. IPv6 `::` does not accept IPv4.
    /// - Parameter buffer: bytes to ask for each of the socket's buffers, also beyond the system's limit if this
    ///   process may do that. The kernel may grant less, which is no error.
    package init(_ address: InternetAddress, buffer: Int = Self.defaultBuffer) throws(SystemError) {
        let descriptor = try Self.open(address)
        outpost_ask_buffers(descriptor.raw, Int32(clamping: buffer))
        let receiveBuffer = try Self.buffer(SO_RCVBUF, of: descriptor.raw)
        let sendBuffer = try Self.buffer(SO_SNDBUF, of: descriptor.raw)
        try descriptor.bind(address)
        let bound = try descriptor.localAddress()
        // Nothing throws from here: a value that may not be copied is initialized as a whole.
        receivesRuns = outpost_receive_runs(descriptor.raw) >= 0
        self.address = bound
        self.receiveBuffer = receiveBuffer
        self.sendBuffer = sendBuffer
        self.descriptor = descriptor
    }

    private static func open(_ address: InternetAddress) throws(SystemError) -> SocketDescriptor {
        let isIPv6 = !address.host.isIPv4
        let descriptor = try SocketDescriptor.open(address.host, type: SOCK_DGRAM)
        try descriptor.setBlocking(false, for: address)
        if isIPv6 { try descriptor.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, "IPV6_V6ONLY") }
        _ = try SystemCall.check(outpost_packet_options(descriptor.raw, isIPv6), "setsockopt", address)
        return descriptor
    }

    private static func buffer(_ option: Int32, of descriptor: Int32) throws(SystemError) -> Int {
        let (code, value) = SystemCall.getOption(descriptor, SOL_SOCKET, option)
        _ = try SystemCall.check(code, "getsockopt", option)
        return Int(value)
    }

    /// The descriptor, to wait for.
    package var raw: Int32 { descriptor.raw }
    package var isIPv6: Bool { !address.host.isIPv4 }
    /// Datagrams that the kernel dropped because the receive buffer was full. Wraps around at 2³².
    package var kernelDrops: UInt64 { descriptor.kernelDrops }

    // MARK: Sending

    /// Sends `bytes` as datagrams of `segment` bytes each, the last one shorter if they do not divide. No bytes are one
    /// empty datagram.
    ///
    /// A run of up to 64 datagrams and 65 507 bytes (IPv6: 65 487) is one system call; more bytes take several.
    /// - Parameters:
    ///   - segment: 0, or not less than the bytes there are: all are one datagram.
    ///   - local: the address to send from, as ``ReceiveBuffers/local(_:)`` has it; nil: the routing table selects it.
    package mutating func send(
        _ bytes: RawSpan,
        segment: Int,
        to remote: InternetAddress,
        from local: InternetHost? = nil
    ) -> SendResult {
        let isIPv6 = self.isIPv6
        guard remote.host.isIPv4 != isIPv6, (local?.isIPv4 ?? !isIPv6) != isIPv6 else {
            return SendResult(datagrams: 0, obstacle: .invalidAddress)
        }
        let descriptor = self.raw
        // The kernel only reads `bytes` and the addresses, and only during the call.
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe remote.withSocketAddress { pointer, length in
                guard let local else {
                    let route = unsafe outpost_route(
                        address: pointer,
                        local: nil,
                        address_length: length,
                        local_index: 0,
                        is_ipv6: isIPv6
                    )
                    return unsafe Self.send(bytes, segment, route, descriptor, &sendsRuns)
                }
                return unsafe withUnsafeBytes(of: local.in6) { host in
                    let route = unsafe outpost_route(
                        address: pointer,
                        local: host.baseAddress?.assumingMemoryBound(to: UInt8.self),
                        address_length: length,
                        local_index: local.scope,
                        is_ipv6: isIPv6
                    )
                    return unsafe Self.send(bytes, segment, route, descriptor, &sendsRuns)
                }
            }
        }
    }

    @inline(never)
    private static func send(
        _ bytes: UnsafeRawBufferPointer,
        _ segment: Int,
        _ route: outpost_route,
        _ descriptor: Int32,
        _ sendsRuns: inout Bool
    ) -> SendResult {
        var route = unsafe route
        var sent: UInt64 = 0
        let code = unsafe outpost_run_send(
            descriptor,
            &route,
            bytes.baseAddress,
            UInt64(bytes.count),
            UInt32(clamping: segment),
            &sendsRuns,
            &sent
        )
        return SendResult(datagrams: Int(sent), obstacle: code == 0 ? nil : SendResult.Obstacle(-code))
    }

    // MARK: Receiving

    /// Takes the runs that are there, as many as `buffers` has room for, and returns their number. Overwrites those of
    /// the call before.
    @inline(never)
    package func receive(into buffers: inout ReceiveBuffers) throws(SystemError) -> Int {
        let got = buffers.receive(raw)
        switch got {
        case 0...: return Int(got)
        // ECONNREFUSED: an answer to what a connected socket has sent.
        case -EAGAIN, -EINTR, -ECONNREFUSED: return 0
        default: throw SystemError(call: "recvmmsg", code: -got)
        }
    }
}
