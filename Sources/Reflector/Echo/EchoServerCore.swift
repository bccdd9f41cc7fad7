internal import Glibc
internal import LinkMeasurement
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// The state that the echo server's thread and its callers share, and the loop itself.
///
/// The loop blocks for a single datagram, its only wait, and answers it with a second system call, like the smallest
/// possible echo. While datagrams arrive close together, it receives and answers up to `batchSize` with two calls
/// instead. `shutdown(2)` ends the wait. Nothing inside the loop allocates.
final class EchoServerCore: Sendable {
    /// Datagrams in one system call.
    static let batchSize = 64
    /// Datagrams closer than this, in nanoseconds, are received in batches: from 20 000 a second on.
    private static let closeGap: Int64 = 50_000
    /// A verdict for each of ``batchSize`` datagrams, in place.
    private typealias Judgments = InlineArray<64, EchoResponder.Judgment>

    let responder = Mutex(EchoResponder())
    let isStopping = Atomic(false)
    let finalDrops = Atomic<UInt64>(0)
    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Runs until it is stopped; returns the error that ended it, if one did.
    func run() -> SystemError? {
        do throws(SystemError) {
            // One byte more than the longest legal datagram, to detect a longer one.
            var batch = try DatagramBatch(capacity: Self.batchSize, datagramBytes: EchoDatagram.maximumLength + 1)
            var judgments = Judgments(repeating: .none)
            var now: Int64 = 0
            var isClose = false
            while true {
                var got = isClose ? batch.receive(descriptor, blocking: false) : -Int(EAGAIN)
                if got == -Int(EAGAIN) { got = batch.receive(descriptor, blocking: true) }
                if isStopping.load(ordering: .acquiring) { return nil }
                guard got > 0 else {
                    if got == 0 || got == -Int(EAGAIN) { continue }
                    throw SystemError(call: "recvmmsg", code: Int32(-got))
                }
                let previous = now
                now = KernelClock.monotonic
                isClose = now - previous < Self.closeGap
                responder.withLock { answer(&$0, &batch, got, now, &judgments) }
            }
        } catch {
            return error
        }
    }

    /// Judges, sends and counts one batch, all under the responder's lock, so that the counters after a reply include
    /// that reply.
    private func answer(
        _ responder: inout EchoResponder,
        _ batch: inout DatagramBatch,
        _ count: Int,
        _ now: Int64,
        _ judgments: inout Judgments
    ) {
        var replies = 0
        for index in 0..<count {
            let source = batch.source(index) ?? InternetAddress(.anyIPv4, port: 0)
            let stamp = batch.receivedAt(index)
            var bytes = batch.mutableBytes(index)
            let judgment = responder.judge(
                &bytes,
                from: .datagram(source),
                receivedAt: stamp != 0 ? stamp : KernelClock.realtime,
                now: now
            )
            judgments[index] = judgment
            if judgment.verdict == .reply {
                batch.mark(index)
                replies += 1
            }
        }
        if replies > 0 { self.send(&batch, count) }
        for index in 0..<count {
            // Not through a mutable span: the compiler would box it on the heap for each datagram.
            responder.settle(judgments[index], batch.bytes(index), wasSent: batch.wasSent(index))
        }
    }

    private func send(_ batch: inout DatagramBatch, _ count: Int) {
        let now = KernelClock.realtime
        for index in 0..<count where batch.isMarked(index) {
            var bytes = batch.mutableBytes(index)
            EchoDatagram.setServerSend(now, in: &bytes)
        }
        _ = batch.send(descriptor, count: count)
    }
}
