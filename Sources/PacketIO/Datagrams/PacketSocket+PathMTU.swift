package import SystemErrors

extension PacketSocket {
    /// The largest packet to `address` with its IP header, by what this machine knows: the device's MTU, or less if the
    /// route or an ICMP message says so. Nothing is sent. nil if the kernel does not know it.
    /// - Parameter local: the address to send from; nil: the routing table selects it.
    package static func pathMTU(
        to address: InternetAddress,
        from local: InternetHost? = nil
    ) throws(SystemError) -> Int? {
        // Only a connected socket has a path; this one exists for the question.
        try Socket.connectUDP(address, from: local).pathMTU
    }
}
