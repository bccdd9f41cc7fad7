internal import Dispatch
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import PacketIO
internal import Testing

@testable import LinkMeasurement

/// What joins the two halves of a connection to iperf3.
@Suite("A splice", .timeLimit(.minutes(1)))
struct SpliceTests {
    @Test
    func `bytes and their end from one side, while the other has reset its connection, close both and trap nothing`()
        async throws
    {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: 0))
        let port = Int(try listener.localAddress().port)
        func joinable() async throws -> (channel: any Channel, peer: Int32) {
            let channel = try await ClientBootstrap(group: loop)
                .channelOption(.autoRead, value: false)
                .channelOption(.allowRemoteHalfClosure, value: true)
                // The words fill one read, so that their end is seen in the same round.
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16))
                .channelOption(.maxMessagesPerRead, value: 4)
                .connect(host: "127.0.0.1", port: port).get()
            return (channel, accept(listener.raw, nil, nil))
        }
        let one = try await joinable()
        let other = try await joinable()
        try await loop.submit {
            let meter = TunnelMeter(counting: FlowMeter(seconds: 1))
            try SpliceHandler.join(one.channel, other.channel, forward: meter, backward: meter)
        }.get()

        // Both happen while the event loop does something else, so that it hears of them in this order and at once.
        let isBlocked = DispatchSemaphore(value: 0)
        let resume = DispatchSemaphore(value: 0)
        loop.execute {
            isBlocked.signal()
            resume.wait()
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                isBlocked.wait()
                continuation.resume()
            }
        }
        #expect(send(one.peer, "these last words", 16, 0) == 16)
        #expect(shutdown(one.peer, Int32(SHUT_WR)) == 0)
        var linger = linger(l_onoff: 1, l_linger: 0)
        #expect(setsockopt(other.peer, SOL_SOCKET, SO_LINGER, &linger, 8) == 0)
        close(other.peer)
        resume.signal()
        try await one.channel.closeFuture.get()
        try await other.channel.closeFuture.get()
        close(one.peer)
        try await group.shutdownGracefully()
    }
}
