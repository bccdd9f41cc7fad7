internal import Glibc
package import SystemErrors

/// No port of a range could be opened.
package struct PortRangeError: Error, Equatable, Sendable, CustomStringConvertible {
    package let host: InternetHost
    package let ports: ClosedRange<UInt16>
    /// The first failure that was not "in use", or nil if every port was busy.
    package let cause: SystemError?

    package var message: String {
        if let cause { return cause.description }
        return "all ports \(ports.lowerBound)-\(ports.upperBound) on \(host) are busy: "
            + "widen data_port_range_start and data_port_range_end, or stop the programs that use them"
    }

    package var description: String { message }
}

extension Socket {
    /// A listening socket on the first free port of the range.
    package static func firstFreeTCP(
        on host: InternetHost,
        ports: ClosedRange<UInt16>
    ) throws(PortRangeError) -> SocketDescriptor {
        try first(on: host, ports: ports, open: listenTCP)
    }

    /// A bound UDP socket on the first free port of the range.
    package static func firstFreeUDP(
        on host: InternetHost,
        ports: ClosedRange<UInt16>
    ) throws(PortRangeError) -> SocketDescriptor {
        try first(on: host, ports: ports, open: bindUDP)
    }

    /// The first port of the range on which another program could listen now, with TCP and with UDP. It is not
    /// reserved: the caller must expect that program to fail.
    package static func freePort(on host: InternetHost, ports: ClosedRange<UInt16>) throws(PortRangeError) -> UInt16 {
        try first(on: host, ports: ports) { (address) throws(SystemError) in
            let listener = try listenTCP(address)
            // For port 0 the system has chosen one that is free for TCP.
            let local = try listener.localAddress()
            _ = try bindUDP(local)
            return local.port
        }
    }

    /// What `open` creates on the first port of the range on which it does not fail with "in use".
    package static func first<Opened: ~Copyable>(
        on host: InternetHost,
        ports: ClosedRange<UInt16>,
        open: (InternetAddress) throws(SystemError) -> Opened
    ) throws(PortRangeError) -> Opened {
        for port in ports {
            do {
                return try open(InternetAddress(host, port: port))
            } catch  where error.code == EADDRINUSE {
                continue
            } catch {
                throw PortRangeError(host: host, ports: ports, cause: error)
            }
        }
        throw PortRangeError(host: host, ports: ports, cause: nil)
    }
}
