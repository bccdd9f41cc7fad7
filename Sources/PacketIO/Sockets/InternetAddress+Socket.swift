public import Glibc

extension InternetAddress {
    /// The address in `storage`, or nil if its family is neither IPv4 nor IPv6 or `length` is too short for it.
    package init?(_ storage: sockaddr_storage, length: Int) {
        let address = unsafe withUnsafeBytes(of: storage) { bytes -> InternetAddress? in
            unsafe InternetAddress(UnsafeRawBufferPointer(rebasing: bytes.prefix(max(0, length))))
        }
        guard let address else { return nil }
        self = address
    }

    /// Parses a kernel socket address; the bytes may be shorter or longer than any known one.
    @inlinable @inline(__always)
    public init?(_ bytes: UnsafeRawBufferPointer) {
        // Each branch checks that the bytes contain the structure that it loads.
        guard bytes.count >= MemoryLayout<sockaddr_in>.size else { return nil }
        let family = unsafe bytes.loadUnaligned(as: sa_family_t.self)
        let port = unsafe UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        if family == sa_family_t(AF_INET) {
            let address = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            self.init(InternetHost(ipv4: address), port: port)
        } else if family == sa_family_t(AF_INET6), bytes.count >= MemoryLayout<sockaddr_in6>.size {
            let high = unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            let scope = unsafe bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
            self.init(InternetHost(high: high, low: low, scope: scope), port: port)
        } else {
            return nil
        }
    }

    /// The kernel's form and its length. An IPv4 address becomes `AF_INET` unless the socket is IPv6 (`mapped`).
    package func storage(mapped: Bool = false) -> (sockaddr_storage, socklen_t) {
        var storage = sockaddr_storage()
        if host.isIPv4 && !mapped {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = host.ipv4.bigEndian
            // sockaddr_storage has room for any socket address.
            unsafe withUnsafeMutableBytes(of: &storage) {
                unsafe $0.storeBytes(of: address, as: sockaddr_in.self)
            }
            return (storage, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = host.in6
        address.sin6_scope_id = host.scope
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.storeBytes(of: address, as: sockaddr_in6.self)
        }
        return (storage, socklen_t(MemoryLayout<sockaddr_in6>.size))
    }

    /// Calls `body` with a pointer to the kernel's form.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let (storage, length) = self.storage()
        return unsafe withUnsafePointer(to: storage) { pointer in
            // The sockets API takes every address by its common header.
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
