internal import CLinux
internal import Glibc
internal import Synchronization
package import SystemErrors

/// Sends bytes over a connected TCP socket as fast as it takes them, on a thread of its own.
///
/// When it ends by itself it closes its direction, so that the sink sees the end of the stream. The socket closes with
/// the source.
package final class ByteSource: Sendable {
    /// Bytes per call. Measured over loopback: see `Benchmarks/packet-io`.
    static let bufferBytes = 128 << 10

    /// A source with a rate writes this many times a second.
    private static let writesPerSecond: UInt64 = 50
    /// How much later than due a delayed source may still send, in nanoseconds.
    private static let maximumLag: Int64 = 100_000_000
    /// Longest sleep between checks of the deadline and the stop order, in nanoseconds.
    private static let nap: Int64 = 20_000_000

    private let core: ByteStreamCore
    private let rate: UInt64?

    /// - Parameters:
    ///   - socket: connected and blocking.
    ///   - maximumBytesPerSecond: nil for as fast as possible. The kernel paces its packets to this as well.
    package init(
        _ socket: consuming SocketDescriptor,
        until limits: ByteStreamLimits,
        maximumBytesPerSecond: UInt64? = nil
    ) throws(SystemError) {
        self.rate = maximumBytesPerSecond.map { max(1, $0) }
        if let rate {
            let code = SystemCall.setOption(socket.raw, SOL_SOCKET, SO_MAX_PACING_RATE, rate)
            _ = try SystemCall.check(code, "setsockopt", "SO_MAX_PACING_RATE")
        }
        core = ByteStreamCore(socket, limits)
    }

    /// Bytes so far; from any thread.
    package var bytes: UInt64 { core.bytes.load(ordering: .relaxed) }

    /// Starts sending.
    package func start() throws(SystemError) -> WorkThread<ByteTotals> {
        let (core, rate) = (self.core, self.rate)
        return try WorkThread("byte-source") { Self.run(core, rate) }
    }

    /// Ends the stream at once; what the kernel still has to send may be lost.
    package func stop() {
        core.stop()
    }

    private static func run(_ core: ByteStreamCore, _ rate: UInt64?) -> ByteTotals {
        var generator = SystemRandomNumberGenerator()
        // Bytes that no link compresses.
        let bytes = (0..<Self.bufferBytes / 8).map { _ in generator.next() as UInt64 }
        // The array is only read, and lives through the closure.
        return unsafe bytes.withUnsafeBytes { unsafe self.send($0, core, rate) }
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, _ core: ByteStreamCore, _ rate: UInt64?) -> ByteTotals {
        let size = rate.map { max(1, min(UInt64(bytes.count), $0 / Self.writesPerSecond)) } ?? UInt64(bytes.count)
        var due = KernelClock.monotonic
        var unsent = UnsentLimit(at: due)
        Self.limit(unsent.bytes, core.socket.raw)
        var totals = ByteTotals()
        var share = ByteShare(core.limits)
        defer { share.settle(totals.bytes) }
        var timeout = CallTimeout(option: SO_SNDTIMEO)
        let descriptor = core.socket.raw
        while true {
            let (left, end) = core.allowed(&share, &timeout, after: totals.bytes, deadline: core.limits.deadline)
            if let end {
                totals.end = end
                break
            }
            let now = KernelClock.monotonic
            if let rate {
                guard due <= now else {
                    // Without the kernel's queue, which would hold seconds of a low rate.
                    if core.stopped {
                        totals.end = .stopped
                        break
                    }
                    KernelClock.sleep(min(due - now, Self.nap))
                    continue
                }
                due = max(due, now - Self.maximumLag) + Int64(size * 1_000_000_000 / rate)
            }
            if let limit = unsent.update(total: totals.bytes, at: now) { Self.limit(limit, descriptor) }
            // No more than may wait: a call that the deadline cuts must not be long.
            let most = min(size, UInt64(unsent.bytes))
            let chunk = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(min(left, most))))
            let sent = unsafe SystemCall.send(descriptor, chunk, flags: 0)
            if sent > 0 {
                totals.bytes = core.add(sent)
                totals.lastByte = KernelClock.monotonic
                if totals.firstByte == 0 { totals.firstByte = now }
            } else if let end = core.end(of: "send", sent) {
                totals.end = end
                break
            }
        }
        finish(&totals, descriptor)
        return totals
    }

    /// An older kernel, or a socket that is not TCP, does not support it.
    private static func limit(_ bytes: Int, _ descriptor: Int32) {
        _ = SystemCall.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, Int32(clamping: bytes))
    }

    private static func finish(_ totals: inout ByteTotals, _ descriptor: Int32) {
        var info = outpost_tcp_info()
        // Fills the structure or leaves it 0, as for a socket that is not TCP.
        _ = unsafe outpost_tcp_info(descriptor, &info)
        totals.retransmits = info.total_retransmits
        totals.roundTripMicroseconds = info.rtt_us
        totals.minimumRoundTripMicroseconds = UInt32(clamping: info.min_rtt_us)
        totals.endedAt = KernelClock.monotonic
        totals.processorTime = KernelClock.threadProcessorTime
        _ = SystemCall.shutDown(descriptor, Int32(SHUT_WR))
    }
}
