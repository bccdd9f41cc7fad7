import Dispatch
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import NetworkProtocol

@Suite("A cluster's socket", .timeLimit(.minutes(2)))
struct ClusterSocketTests {
    /// Counts on the socket's event loop; confined to it.
    private final class Counts {
        var datagrams = 0
        /// Most datagrams between two turns of other work.
        var most = 0
        var sinceTurn = 0
    }

    @Test func `reads a budget of datagrams, then other work of its event loop has its turn`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let address = try #require(MemberAddress("127.0.0.1:0"))
        let (socket, counts) = try await eventLoop.submit {
            let socket = ClusterSocket(eventLoop: eventLoop, address: address, logger: Logger(label: "test"))
            let counts = Counts()
            let bound = NIOLoopBound(counts, eventLoop: eventLoop)
            socket.onDatagram = { _, _ in
                // Work that comes up with the first of them.
                if counts.sinceTurn == 0 { eventLoop.execute { bound.value.sinceTurn = 0 } }
                counts.datagrams += 1
                counts.sinceTurn += 1
                counts.most = max(counts.most, counts.sinceTurn)
            }
            return (NIOLoopBound(socket, eventLoop: eventLoop), bound)
        }.get()
        try await eventLoop.flatSubmit { socket.value.open() }.get()
        let target = try await eventLoop.submit { socket.value.address }.get()
        // The event loop finds them waiting, more than a budget of them.
        let gate = DispatchSemaphore(value: 0)
        eventLoop.execute { gate.wait() }
        let flood = try Flood(to: target)
        flood.send([[UInt8](repeating: 0, count: 100)], count: 200)
        gate.signal()
        while try await eventLoop.submit({ counts.value.datagrams }).get() < 100 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await eventLoop.submit({ counts.value.most }).get() == ClusterSocket.readBudget)
        try await eventLoop.submit { socket.value.close() }.get()
        try await group.shutdownGracefully()
    }
}
