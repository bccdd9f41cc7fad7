internal import Glibc
internal import SystemErrors

/// The addresses of a host's name.
package enum HostLookup {
    /// Why a name has no address now, in the resolver's words.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// All addresses of a name or a numeric address, in the order of the system's resolver: at least one. Blocks, for
    /// seconds if no name server answers.
    package static func addresses(of host: String, port: UInt16) throws(Failure) -> [InternetAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            let number = errno
            // The text is a static string of libc.
            let reason =
                unsafe code == EAI_SYSTEM ? SystemError.reason(of: number) : String(cString: gai_strerror(code))
            throw Failure(description: reason)
        }
        // The list is read before it is freed, and each address has the length beside it.
        defer { unsafe freeaddrinfo(list) }
        var found: [InternetAddress] = []
        var next = unsafe list
        while let entry = unsafe next?.pointee {
            unsafe next = entry.ai_next
            guard let address = unsafe entry.ai_addr,
                let parsed = unsafe InternetAddress(
                    UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
                )
            else { continue }
            let whole = InternetAddress(parsed.host, port: port)
            if !found.contains(whole) { found.append(whole) }
        }
        if found.isEmpty { throw Failure(description: "the name has no IP address") }
        return found
    }
}
