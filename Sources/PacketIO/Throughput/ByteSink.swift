internal import Glibc
internal import Synchronization
package import SystemErrors

/// Receives and discards bytes from a connected TCP socket on a thread of its own, and counts them.
///
/// If it ends before the stream does, it refuses what is still in transit, so that it does not fill the link. The
/// socket closes with the sink.
package final class ByteSink: Sendable {
    /// Most bytes per call.
    static let bufferBytes = 1 << 20

    private let core: ByteStreamCore

    /// - Parameter socket: connected and blocking.
    package init(_ socket: consuming SocketDescriptor, until limits: ByteStreamLimits) {
        core = ByteStreamCore(socket, limits)
    }

    /// Bytes so far; from any thread.
    package var bytes: UInt64 { core.bytes.load(ordering: .relaxed) }
    /// When its first bytes arrived, in nanoseconds of the monotonic clock, and how many these were; nil before.
    package var first: (time: Int64, bytes: UInt64)? {
        let time = core.firstTime.load(ordering: .acquiring)
        return time == 0 ? nil : (time, core.firstBytes.load(ordering: .relaxed))
    }

    /// What the kernel has received for it; from any thread, as long as the sink exists.
    package var received: ReceivedSegments? { ReceivedSegments(of: core.socket.raw) }

    /// Starts receiving.
    package func start() throws(SystemError) -> WorkThread<ByteTotals> {
        let core = self.core
        return try WorkThread("byte-sink") { Self.run(core) }
    }

    /// Ends the stream at once.
    package func stop() {
        core.stop()
    }

    /// Ends the stream at once, as if its deadline had passed.
    package func expire() {
        core.expire()
    }

    private static func run(_ core: ByteStreamCore) -> ByteTotals {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 4096)
        defer { unsafe bytes.deallocate() }
        var totals = ByteTotals()
        var share = ByteShare(core.limits)
        defer { share.settle(totals.bytes) }
        var timeout = CallTimeout(option: SO_RCVTIMEO)
        let descriptor = core.socket.raw
        var deadline = core.limits.deadline
        while true {
            let (left, end) = core.allowed(&share, &timeout, after: totals.bytes, deadline: deadline)
            if let end {
                totals.end = end
                break
            }
            let place = unsafe UnsafeMutableRawBufferPointer(
                rebasing: bytes.prefix(Int(min(left, UInt64(bytes.count))))
            )
            // With MSG_TRUNC, TCP discards without copying; other streams ignore the flag and copy (tcp(7)).
            let got = unsafe SystemCall.receive(descriptor, place, flags: Int32(MSG_TRUNC))
            if got > 0 {
                totals.bytes = core.add(got)
                totals.lastByte = KernelClock.monotonic
                if totals.firstByte == 0 {
                    totals.firstByte = totals.lastByte
                    core.firstBytes.store(UInt64(got), ordering: .relaxed)
                    core.firstTime.store(totals.firstByte, ordering: .releasing)
                    if let window = core.limits.window { deadline = min(deadline, totals.firstByte + window) }
                }
            } else if let end = core.end(of: "recv", got) {
                totals.end = end
                break
            }
        }
        totals.endedAt = KernelClock.monotonic
        totals.processorTime = KernelClock.threadProcessorTime
        totals.received = ReceivedSegments(of: descriptor)
        // With both directions closed, TCP answers further data with a reset.
        core.socket.shutDown()
        return totals
    }
}
