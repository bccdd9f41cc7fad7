internal import Glibc
internal import Synchronization

@testable import PacketIO

/// Ports that the system assigns to no program by itself, and each of them to one test only: free after it was closed,
/// whatever other tests do meanwhile.
enum ReservedPort {
    /// Below those of Linux's own choice and beside those of the other tests.
    private static let all: ClosedRange<UInt16> = 20_000...20_999
    private static let last = Mutex(UInt16.random(in: all))

    /// An unused port of loopback, for both TCP and UDP.
    static func next() throws -> UInt16 {
        for _ in all {
            let port = last.withLock { port in
                port = port < all.upperBound ? port + 1 : all.lowerBound
                return port
            }
            if (try? Socket.freePort(on: .loopbackIPv4, ports: port...port)) != nil { return port }
        }
        throw PortRangeError(host: .loopbackIPv4, ports: all, cause: nil)
    }
}

/// Does `bind` again while the port is busy: a child that another test forks holds this process's descriptors until it
/// has executed its program.
func onceFree<Result: ~Copyable>(_ bind: () throws -> Result) throws -> Result {
    for _ in 0..<1_000 {
        do { return try bind() } catch { usleep(5_000) }
    }
    return try bind()
}
