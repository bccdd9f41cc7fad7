package import NIOCore
internal import NIOPosix
internal import Synchronization

/// The other end of a connection that does only what a test requires, and shows the bytes on the wire.
package final class PlainPeer: Sendable {
    package let channel: any Channel
    private let chunks: AsyncStream<[UInt8]>

    fileprivate init(_ channel: any Channel, _ chunks: AsyncStream<[UInt8]>) {
        self.channel = channel
        self.chunks = chunks
    }

    package static func connect(port: Int) async throws -> PlainPeer {
        let (chunks, sink) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(sink))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return PlainPeer(channel, chunks)
    }

    package func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    package func close() async { try? await channel.close() }

    /// The next packets, header and payload, until the connection ends. For one caller.
    package func packets() -> AsyncStream<(flags: UInt8, payload: [UInt8])> {
        let (packets, sink) = AsyncStream.makeStream(of: (flags: UInt8, payload: [UInt8]).self)
        let chunks = chunks
        let task = Task {
            var bytes: [UInt8] = []
            for await chunk in chunks {
                bytes += chunk
                while bytes.count >= 10 {
                    let length = bytes[6..<10].reduce(0) { $0 << 8 | Int($1) }
                    guard bytes.count >= 10 + length else { break }
                    sink.yield((bytes[5], Array(bytes[10..<10 + length])))
                    bytes.removeFirst(10 + length)
                }
            }
            sink.finish()
        }
        sink.onTermination = { _ in task.cancel() }
        return packets
    }

    /// Returns when the other side has closed the connection.
    package func closed() async { _ = try? await channel.closeFuture.get() }

    fileprivate final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let sink: AsyncStream<[UInt8]>.Continuation
        private let isOpen: () -> Void

        /// - Parameter isOpen: called when the connection is open. An accepted one is not open before that: it would
        ///   end with its listener.
        init(_ sink: AsyncStream<[UInt8]>.Continuation, isOpen: @escaping () -> Void = {}) {
            self.sink = sink
            self.isOpen = isOpen
        }

        func channelActive(context: ChannelHandlerContext) { isOpen() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            sink.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func channelInactive(context: ChannelHandlerContext) { sink.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// Listens, and passes every connection to the test.
package final class PlainServer: Sendable {
    package let port: Int
    package let peers: AsyncStream<PlainPeer>
    private let channel: any Channel

    /// Ports that the system does not assign itself, each used by one test only: once closed, a port stays closed
    /// whatever other tests do in the meantime.
    private static let ports = 21_000...21_999
    private static let lastPort = Mutex(Int.random(in: ports))

    private static func nextPort() -> Int {
        lastPort.withLock { port in
            port = port < ports.upperBound ? port + 1 : ports.lowerBound
            return port
        }
    }

    /// - Parameter isReading: if false, nothing is read from the system, as by a peer that hangs.
    package static func start(isReading: Bool = true) async throws -> PlainServer {
        let (peers, sink) = AsyncStream.makeStream(of: PlainPeer.self)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: isReading)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (chunks, bytes) = AsyncStream.makeStream(of: [UInt8].self)
                    let peer = PlainPeer(channel, chunks)
                    try channel.pipeline.syncOperations.addHandler(
                        PlainPeer.Collector(bytes) { sink.yield(peer) }
                    )
                }
            }
        for _ in ports {
            guard let channel = try? await bootstrap.bind(host: "127.0.0.1", port: nextPort()).get() else { continue }
            return PlainServer(channel, peers)
        }
        throw Failure.noPortIsFree
    }

    private init(_ channel: any Channel, _ peers: AsyncStream<PlainPeer>) {
        self.channel = channel
        self.peers = peers
        port = channel.localAddress?.port ?? 0
    }

    private enum Failure: Error { case isClosed, noPortIsFree }

    /// The next connection.
    package func accept() async throws -> PlainPeer {
        var iterator = peers.makeAsyncIterator()
        guard let peer = await iterator.next() else { throw Failure.isClosed }
        return peer
    }

    /// Returns when a connection would be refused. A program that another test is just starting holds a copy of the
    /// listening socket until it is executed, so the system goes on taking connections for a moment.
    package func close() async {
        try? await channel.close()
        let connecting = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        while let taken = try? await connecting.connect(host: "127.0.0.1", port: port).get() {
            try? await taken.close()
            try? await Task.sleep(for: .milliseconds(5))
        }
    }
}
