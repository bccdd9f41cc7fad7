internal import Dispatch
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Testing

@testable import NetworkProtocol

@Suite("A cluster's socket", .timeLimit(.minutes(2)))
struct ClusterSocketTests {
    /// Counts on the socket's event loop, and is confined to it.
    private final class Counts {
        var datagrams = 0
        /// Most datagrams between two turns of other work.
        var most = 0
        var sinceTurn = 0
    }

    @Test func `a cluster's socket reads a budget of datagrams, then other work of its event loop has its turn`()
        async throws
    {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let address = try #require(MemberAddress("127.0.0.1:0"))
        let (socket, counts) = try await eventLoop.submit {
            let socket = ClusterSocket(eventLoop: eventLoop, address: address, logger: Logger(label: "test"))
            let counts = Counts()
            let bound = NIOLoopBound(counts, eventLoop: eventLoop)
            socket.onDatagram = { _, _ in
                // Other work that arrives with the first of them.
                if counts.sinceTurn == 0 { eventLoop.execute { bound.value.sinceTurn = 0 } }
                counts.datagrams += 1
                counts.sinceTurn += 1
                counts.most = max(counts.most, counts.sinceTurn)
            }
            return (NIOLoopBound(socket, eventLoop: eventLoop), bound)
        }.get()
        try await eventLoop.flatSubmit { socket.value.open() }.get()
        let target = try await eventLoop.submit { socket.value.address }.get()
        // The event loop finds them waiting: more than its budget.
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

    @Test func `a cluster's socket goes on when a datagram is longer than the system sends`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let address = try #require(MemberAddress("127.0.0.1:0"))
        let received = AsyncStream.makeStream(of: [UInt8].self)
        let socket = try await eventLoop.submit {
            let socket = ClusterSocket(eventLoop: eventLoop, address: address, logger: Logger(label: "test"))
            socket.onDatagram = { bytes, _ in received.continuation.yield(bytes) }
            return NIOLoopBound(socket, eventLoop: eventLoop)
        }.get()
        try await eventLoop.flatSubmit { socket.value.open() }.get()
        let own = try await eventLoop.submit { socket.value.address }.get()
        // EMSGSIZE: UDP carries 65 507 bytes at most.
        let areTaken = try await eventLoop.submit {
            [socket.value.send([UInt8](repeating: 1, count: 65_520), to: own), socket.value.send([2], to: own)]
        }.get()
        #expect(areTaken == [true, true])
        for await bytes in received.stream {
            #expect(bytes == [2])
            break
        }
        // It still works, also with that address and the same port.
        #expect(try await eventLoop.submit { socket.value.send([3], to: own) }.get())
        for await bytes in received.stream {
            #expect(bytes == [3])
            break
        }
        #expect(try await eventLoop.submit { socket.value.address }.get() == own)
        try await eventLoop.submit { socket.value.close() }.get()
        try await group.shutdownGracefully()
    }
}
