internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import SystemErrors

/// Why a seed's name has no address now, in the resolver's words.
struct SeedLookupError: Error, CustomStringConvertible {
    let description: String
}

/// The addresses behind a seed's name.
enum SeedLookup {
    /// All addresses of `HOST:PORT`, in the order of the system's resolver: at least one.
    static func addresses(of seed: String) async throws(SeedLookupError) -> [MemberAddress] {
        if let address = MemberAddress(seed) { return [address] }
        guard let (host, port) = HostAndPort.split(seed) else { throw SeedLookupError(description: "no HOST:PORT") }
        let result: Result<[MemberAddress], SeedLookupError>
        do {
            // The resolver blocks, for seconds if no server answers.
            result = try await NIOThreadPool.singleton.runIfActive { resolve(host, UInt16(port)) }
        } catch {
            throw SeedLookupError(description: "\(error)")
        }
        return try result.get()
    }

    private static func resolve(_ host: String, _ port: UInt16) -> Result<[MemberAddress], SeedLookupError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            let number = errno
            // The text is a static string of libc.
            let reason =
                unsafe code == EAI_SYSTEM ? SystemError.reason(of: number) : String(cString: gai_strerror(code))
            return .failure(SeedLookupError(description: reason))
        }
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
        return found.isEmpty ? .failure(SeedLookupError(description: "the name has no IP address")) : .success(found)
    }
}
