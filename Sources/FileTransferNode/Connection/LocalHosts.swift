internal import Glibc
package import PacketIO

/// The addresses of this machine that another one may reach.
package enum LocalHosts {
    /// Those of all interfaces that are up, but for link-local ones; loopback comes last.
    package static func all() -> [InternetHost] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [.loopbackIPv4] }
        defer { unsafe freeifaddrs(list) }
        var hosts: [InternetHost] = []
        var loopback: [InternetHost] = []
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = entry.pointee.ifa_next
            guard unsafe entry.pointee.ifa_flags & UInt32(bitPattern: Int32(IFF_UP)) != 0,
                let address = unsafe entry.pointee.ifa_addr
            else { continue }
            let length: Int
            switch Int32(unsafe address.pointee.sa_family) {
            case AF_INET: length = MemoryLayout<sockaddr_in>.size
            case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
            default: continue
            }
            // The kernel's structure of this family has so many bytes.
            guard let found = unsafe InternetAddress(UnsafeRawBufferPointer(start: address, count: length)) else {
                continue
            }
            guard found.host.scope == 0 else { continue }
            let isLoopback = unsafe entry.pointee.ifa_flags & UInt32(bitPattern: Int32(IFF_LOOPBACK)) != 0
            if isLoopback { loopback.append(found.host) } else { hosts.append(found.host) }
        }
        return hosts + loopback
    }
}
