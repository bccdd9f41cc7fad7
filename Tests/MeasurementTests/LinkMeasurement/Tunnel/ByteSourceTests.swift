internal import NIOCore
internal import NIOEmbedded
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

/// What a stream of a test leaves to the other connections of its event loop.
@Suite("Byte source")
struct ByteSourceTests {
    @Test func `a receiver that takes everything at once does not keep the event loop from the others`() throws {
        let channel = EmbeddedChannel()
        let receiver = EagerReceiver()
        try channel.pipeline.syncOperations.addHandler(receiver)
        let source = ByteSourceHandler(
            duration: .seconds(60),
            meter: TunnelMeter(counting: FlowMeter(seconds: 1)),
            strays: TunnelMeter(counting: FlowMeter(seconds: 1))
        )
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
        try channel.pipeline.syncOperations.addHandler(source)
        channel.embeddedEventLoop.run()
        // Three turns of something else, each after no more than a round of this.
        let round = TunnelBuffers.writesPerRound * TunnelBuffers.writeSize
        #expect(receiver.turns.count == 3)
        #expect(receiver.turns.allSatisfy { $0 > 0 && $0 <= round }, "\(receiver.turns)")
        #expect(receiver.received < EagerReceiver.limit)
    }
}

/// Takes every write at once; whenever the event loop does something else, notes how many bytes came since.
private final class EagerReceiver: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    /// After so many bytes it closes, so that a source that never yields ends too.
    static let limit = 64 << 20

    private(set) var received = 0
    private(set) var turns: [Int] = []
    private var since = 0
    private var isAsking = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let count = unwrapOutboundIn(data).readableBytes
        received += count
        since += count
        promise?.succeed()
        if received >= Self.limit { context.close(promise: nil) }
        guard !isAsking else { return }
        isAsking = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (receiver, context) = bound.value
            receiver.isAsking = false
            receiver.turns.append(receiver.since)
            receiver.since = 0
            if receiver.turns.count == 3 { context.close(promise: nil) }
        }
    }
}
