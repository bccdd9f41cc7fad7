internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NetworkProtocol

/// Round trips of 64 bytes over a Unix socket, one at a time, with both ends in this process. A task handles the bytes
/// at each end.
enum Rounds {
    static let payload = [UInt8](repeating: 0x5a, count: 64)

    /// Prints the median and the 99th percentile in nanoseconds, and their number.
    static func measure(seconds: Double, _ round: () async throws -> Void) async throws {
        let clock = ContinuousClock()
        var samples: [Duration] = []
        samples.reserveCapacity(1 << 20)
        let end = clock.now + .seconds(seconds)
        while true {
            let start = clock.now
            if start >= end { break }
            try await round()
            samples.append(clock.now - start)
        }
        samples.sort()
        let nanoseconds = [samples[samples.count / 2], samples[samples.count * 99 / 100]].map { $0 / .nanoseconds(1) }
        print(Int(nanoseconds[0]), Int(nanoseconds[1]), samples.count)
    }

    /// A request of this library.
    static func request(socket: String, seconds: Double, isSealed: Bool) async throws {
        var dispatcher = Dispatcher()
        dispatcher.onCommand("packetbench.echo") { payload, _ in payload }
        let daemon = Daemon(
            listening: [isSealed ? .unix(path: socket, trust: .anonymous) : .unix(path: socket)],
            dispatcher: dispatcher
        )
        let running = Task { try await daemon.run() }
        _ = await daemon.addresses()
        let client = try await Client.connect(
            to: isSealed ? .unix(path: socket, trust: .anonymous) : .unix(path: socket)
        )
        let connection = try await client.connection()
        try await withTaskExecutorPreference(connection.executor) {
            try await measure(seconds: seconds) {
                guard try await connection.request("packetbench.echo", payload) == payload else { exit(1) }
            }
        }
        await client.close()
        daemon.shutDown()
        try await running.value
    }

    /// The same bytes with NIO alone: a handler passes received bytes to a task, which writes them back.
    static func bareNIO(socket: String, seconds: Double, bytes: Int) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (stream, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
                    try channel.pipeline.syncOperations.addHandler(Collector(bytes, feed))
                    Task { for await message in stream { channel.writeAndFlush(message, promise: nil) } }
                }
            }
            .bind(unixDomainSocketPath: socket).get()
        let (stream, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(bytes, feed))
                }
            }
            .connect(unixDomainSocketPath: socket).get()
        let message = ByteBuffer(repeating: 0x5a, count: bytes)
        let executor = LoopExecutor(channel.eventLoop)
        try await withTaskExecutorPreference(executor) {
            var replies = stream.makeAsyncIterator()
            try await measure(seconds: seconds) {
                channel.writeAndFlush(message, promise: nil)
                guard await replies.next(isolation: #isolation)?.readableBytes == bytes else { exit(1) }
            }
        }
        try await channel.close()
        try await server.close()
    }

    /// Passes on as many bytes as a message has.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let length: Int
        private let feed: AsyncStream<ByteBuffer>.Continuation
        private var collected = ByteBuffer()

        init(_ length: Int, _ feed: AsyncStream<ByteBuffer>.Continuation) {
            self.length = length
            self.feed = feed
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            if collected.readableBytes == 0 { collected = bytes } else { collected.writeBuffer(&bytes) }
            while let message = collected.readSlice(length: length) { feed.yield(message) }
        }

        func channelInactive(context: ChannelHandlerContext) { feed.finish() }
    }

    /// Like ``Connection/executor``.
    private final class LoopExecutor: TaskExecutor {
        private let eventLoop: any EventLoop
        init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            let executor = unsafe asUnownedTaskExecutor()
            // The job is run exactly once, as `enqueue` requires.
            eventLoop.execute { unsafe job.runSynchronously(on: executor) }
        }
    }
}
