internal import Glibc
internal import OwnThread
internal import SystemErrors
internal import Testing

@testable import PacketIO

@Suite(.timeLimit(.minutes(3)), .ownThread) struct ByteStreamTests {
    private static let never = Int64.max

    private func pair() throws -> (PairEnd, PairEnd) {
        let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: 0))
        let client = try Socket.connectTCP(listener.localAddress())
        return (PairEnd(client), PairEnd(try Socket.acceptTCP(listener)))
    }

    @Test func `a budget arrives to the byte and the sink sees the end`() throws {
        let (left, right) = try self.pair()
        let budget: UInt64 = 10_000_019
        let source = try ByteSource(left.take(), until: ByteStreamLimits(deadline: Self.never, byteBudget: budget))
        let sink = try ByteSink(right.take(), until: ByteStreamLimits(deadline: Self.never))
        let receiving = try sink.start()
        let sent = try source.start().join()
        let received = receiving.join()
        #expect(sent.bytes == budget && sent.end == .byteBudget && source.bytes == budget)
        #expect(received.bytes == budget && received.end == .endOfStream && sink.bytes == budget)
        #expect(sent.firstByte > 0 && sent.firstByte <= sent.lastByte && received.firstByte <= received.lastByte)
        #expect(sent.processorTime > 0 && sent.roundTripMicroseconds > 0)
    }

    @Test func `a stream that is not TCP is copied and counted the same`() throws {
        var ends: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let source = try ByteSource(
            SocketDescriptor(owning: ends[0]),
            until: ByteStreamLimits(deadline: Self.never, byteBudget: 1_000_003)
        )
        let sink = ByteSink(SocketDescriptor(owning: ends[1]), until: ByteStreamLimits(deadline: Self.never))
        let receiving = try sink.start()
        #expect(try source.start().join().bytes == 1_000_003)
        #expect(receiving.join().bytes == 1_000_003)
    }

    @Test func `the deadline ends a source whose sink does not read`() throws {
        let (left, right) = try self.pair()
        // Its thread has sent something by then.
        let deadline = KernelClock.monotonic + 1_000_000_000
        let totals = try ByteSource(left.take(), until: ByteStreamLimits(deadline: deadline)).start().join()
        #expect(totals.end == .deadline && totals.bytes > 0 && KernelClock.monotonic >= deadline)
        // No megabytes of the sender's own buffers.
        #expect(totals.bytes < 1_000_000)
        _ = right
    }

    @Test func `the deadline ends a sink that gets nothing`() throws {
        let (left, right) = try self.pair()
        let deadline = KernelClock.monotonic + 50_000_000
        let totals = try ByteSink(right.take(), until: ByteStreamLimits(deadline: deadline)).start().join()
        #expect(totals.end == .deadline && totals.bytes == 0 && totals.firstByte == 0 && totals.bitsPerSecond == nil)
        _ = left
    }

    @Test func `a sink that ends refuses what is still on its way`() throws {
        let (left, right) = try self.pair()
        let source = try ByteSource(left.take(), until: ByteStreamLimits(deadline: Self.never))
        let sink = try ByteSink(right.take(), until: ByteStreamLimits(deadline: Self.never, byteBudget: 1_000_000))
        let sending = try source.start()
        #expect(try sink.start().join().end == .byteBudget)
        #expect(sending.join().end == .endOfStream)
    }

    @Test func `stopping wakes a stream that is blocked`() throws {
        let (left, right) = try self.pair()
        let source = try ByteSource(left.take(), until: ByteStreamLimits(deadline: Self.never))
        let sending = try source.start()
        source.stop()
        #expect(sending.join().end == .stopped)
        let (quiet, silent) = try self.pair()
        let sink = ByteSink(try quiet.take(), until: ByteStreamLimits(deadline: Self.never))
        let receiving = try sink.start()
        sink.stop()
        #expect(receiving.join().end == .stopped)
        _ = (right, silent)
    }

    @Test func `an awaited thread gives its value to everyone`() async throws {
        let thread = try WorkThread("seven") { 7 }
        async let first = thread.value
        async let second = thread.value
        #expect(await first == 7)
        #expect(await second == 7)
        #expect(thread.join() == 7 && thread.join() == 7)
    }
}

/// A socket that can sit in a tuple until it is taken.
private final class PairEnd {
    private var socket: SocketDescriptor?

    init(_ socket: consuming SocketDescriptor) {
        self.socket = consume socket
    }

    func take() throws -> SocketDescriptor {
        guard let socket = self.socket.take() else { throw SystemError(call: "take", code: EBADF) }
        return socket
    }
}
