import CLinux
import Glibc
import Synchronization

/// What the echo server's thread and its callers share, and the loop itself.
///
/// The loop takes up to `batchSize` datagrams with one system call and answers them with another. When there are none it
/// blocks for a single one, its only wait: a lone datagram is on its way back after two calls, as in the smallest echo,
/// and the look for more comes after its reply. `shutdown(2)` ends the wait. Inside the loop nothing allocates.
final class EchoServerCore: Sendable {
    /// Datagrams taken in one system call.
    static let batchSize = 64

    let responder = Mutex(EchoResponder())
    let isStopping = Atomic(false)
    let finalDrops = Atomic<UInt64>(0)
    private let descriptor: Int32
    private let onBudgetSpent: (@Sendable (AccessToken) -> Void)?

    init(descriptor: Int32, onBudgetSpent: (@Sendable (AccessToken) -> Void)?) {
        self.descriptor = descriptor
        self.onBudgetSpent = onBudgetSpent
    }

    /// Until it is stopped, or the error that ended it.
    func run() -> SystemError? {
        do throws(SystemError) {
            // One byte more than the longest legal datagram tells a longer one.
            var batch = try DatagramBatch(capacity: Self.batchSize, datagramBytes: EchoDatagram.maximumLength + 1)
            let slots = UnsafeMutablePointer<EchoResponder.Slot>.allocate(capacity: Self.batchSize)
            defer { unsafe slots.deallocate() }
            while true {
                var got = batch.receive(self.descriptor, blocking: false)
                if got == -Int(EAGAIN) { got = batch.receive(self.descriptor, blocking: true) }
                if self.isStopping.load(ordering: .acquiring) { return nil }
                guard got > 0 else {
                    if got == 0 || got == -Int(EAGAIN) { continue }
                    throw SystemError(call: "recvmmsg", errno: Int32(-got))
                }
                unsafe self.answer(&batch, got, slots)
            }
        } catch {
            return error
        }
    }

    private func answer(
        _ batch: inout DatagramBatch,
        _ count: Int,
        _ slots: UnsafeMutablePointer<EchoResponder.Slot>
    ) {
        let spent = unsafe self.decide(&batch, count, slots)
        let datagrams = unsafe batch.datagrams
        let sendTime = KernelClock.realtime
        var replies = 0
        for index in 0..<count where unsafe datagrams[index].is_reply {
            var bytes = unsafe Self.bytes(datagrams + index)
            EchoDatagram.setServerSend(sendTime, in: &bytes)
            replies += 1
        }
        if replies > 0, batch.send(self.descriptor, count: count) < replies {
            self.responder.withLock { responder in
                for index in 0..<count where unsafe datagrams[index].is_reply && !datagrams[index].was_sent {
                    unsafe responder.unsent(slots[index], length: Int(datagrams[index].length))
                }
            }
        }
        for token in spent { self.onBudgetSpent?(token) }
    }

    /// Marks the datagrams to send back. The tokens whose budget ended with this batch: as a rule none, which allocates
    /// nothing.
    private func decide(
        _ batch: inout DatagramBatch,
        _ count: Int,
        _ slots: UnsafeMutablePointer<EchoResponder.Slot>
    ) -> [AccessToken] {
        let datagrams = unsafe batch.datagrams
        let now = KernelClock.monotonic
        var spent: [AccessToken] = []
        self.responder.withLock { responder in
            for index in 0..<count {
                let datagram = unsafe datagrams + index
                guard let source = batch.source(index) else { continue }
                let stamp = unsafe datagram.pointee.received_ns
                var bytes = unsafe Self.bytes(datagram)
                let verdict = responder.respond(
                    to: &bytes,
                    from: .datagram(source),
                    receivedAt: stamp != 0 ? stamp : KernelClock.realtime,
                    now: now
                )
                switch verdict {
                case .reply(let slot):
                    unsafe slots[index] = slot
                    unsafe datagram.pointee.is_reply = true
                case .spent(let token):
                    spent.append(token)
                case .drop:
                    break
                }
            }
        }
        return spent
    }

    /// One datagram's bytes: `length` of them were received into a place that lives as long as the batch.
    @inline(__always)
    @_lifetime(borrow datagram)
    private static func bytes(_ datagram: UnsafeMutablePointer<outpost_datagram>) -> MutableRawSpan {
        let count = unsafe Int(datagram.pointee.length)
        return unsafe MutableRawSpan(_unsafeStart: datagram.pointee.bytes, byteCount: count)
    }
}
