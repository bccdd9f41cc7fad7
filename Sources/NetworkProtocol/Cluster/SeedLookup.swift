internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The addresses behind a seed's name.
enum SeedLookup {
    /// All addresses of `HOST:PORT`, in the order of the system's resolver; none when it has no answer.
    static func addresses(of seed: String) async -> [MemberAddress] {
        if let address = MemberAddress(seed) { return [address] }
        guard let (host, port) = HostAndPort.split(seed) else { return [] }
        // The resolver blocks, for seconds if nobody answers.
        return (try? await NIOThreadPool.singleton.runIfActive { resolve(host, UInt16(port)) }) ?? []
    }

    private static func resolve(_ host: String, _ port: UInt16) -> [MemberAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        // The list is read before it is freed, and each address is as long as its family's are.
        defer { unsafe freeaddrinfo(list) }
        var found: [MemberAddress] = []
        var next = unsafe list
        while let entry = unsafe next?.pointee {
            unsafe next = entry.ai_next
            guard let address = unsafe entry.ai_addr, let member = unsafe MemberAddress(reading: address, port: port),
                !found.contains(member)
            else { continue }
            found.append(member)
        }
        return found
    }
}
