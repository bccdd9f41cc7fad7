internal import Glibc
internal import Synchronization
internal import SystemErrors

/// What a stream's thread and its owner share: the socket, the running count, the stop order.
final class ByteStreamCore: Sendable {
    /// Until an account that granted nothing is asked again, in nanoseconds.
    static let accountPause: Int64 = 1_000_000

    let socket: SocketDescriptor
    let limits: ByteStreamLimits
    let bytes = Atomic<UInt64>(0)
    /// When a sink's first bytes arrived, 0 before, and how many these were.
    let firstTime = Atomic<Int64>(0)
    let firstBytes = Atomic<UInt64>(0)
    private let isStopped = Atomic(false)
    private let isExpired = Atomic(false)

    init(_ socket: consuming SocketDescriptor, _ limits: ByteStreamLimits) {
        self.socket = socket
        self.limits = limits
    }

    var stopped: Bool { isStopped.load(ordering: .acquiring) }

    /// Wakes the thread from a blocked call, which `shutdown(2)` ends. The descriptor stays open as long as the thread
    /// has it, so this cannot hit another file.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        socket.shutDown()
    }

    /// Like ``stop()``, but the stream ends as at its deadline.
    func expire() {
        isExpired.store(true, ordering: .releasing)
        stop()
    }

    /// Why a stopped stream ends.
    var stopEnd: ByteStreamEnd { isExpired.load(ordering: .acquiring) ? .deadline : .stopped }

    /// Adds to the running count; only the stream's thread does.
    @inline(__always)
    func add(_ count: Int) -> UInt64 {
        let total = bytes.load(ordering: .relaxed) &+ UInt64(count)
        bytes.store(total, ordering: .relaxed)
        return total
    }
}

/// The kernel's own timeout for blocking calls, kept near the time left until the deadline with few system calls.
struct CallTimeout {
    /// A blocked call returns at the latest this long after the deadline.
    static let step: Int64 = 20_000_000

    let option: Int32
    private var current = Int64.max

    init(option: Int32) {
        self.option = option
    }

    /// False if the deadline has passed.
    @inline(__always)
    mutating func renew(_ descriptor: Int32, deadline: Int64, now: Int64) -> Bool {
        guard deadline > now else { return false }
        let left = deadline - now
        if current > left, current - left > Self.step {
            current = left
            // At least a microsecond: 0 means forever.
            _ = SystemCall.setTimeout(descriptor, option, nanoseconds: max(1000, left))
        }
        return true
    }
}

extension ByteStreamCore {
    /// Bytes that the stream may move after `moved`, or why it ends. Waits while its account grants nothing.
    @inline(__always)
    func allowed(
        _ share: inout ByteShare,
        _ timeout: inout CallTimeout,
        after moved: UInt64,
        deadline: Int64
    ) -> (left: UInt64, end: ByteStreamEnd?) {
        while timeout.renew(socket.raw, deadline: deadline, now: KernelClock.monotonic) {
            if let left = share.left(after: moved) { return (left, left > 0 ? nil : .byteBudget) }
            if stopped { return (0, stopEnd) }
            KernelClock.sleep(Self.accountPause)
        }
        return (0, .deadline)
    }

    /// What a call's 0 or negative errno means; nil: continue.
    func end(of call: String, _ code: Int) -> ByteStreamEnd? {
        if stopped { return stopEnd }
        switch Int32(-code) {
        case EAGAIN: return nil  // the call's timeout: the deadline is checked next
        case 0, EPIPE, ECONNRESET: return .endOfStream
        default: return .failed(SystemError(call: call, code: Int32(-code)))
        }
    }
}
