package import SystemErrors

/// When a stream ends by itself. The first limit that is reached counts.
package struct ByteStreamLimits: Sendable {
    /// Nanoseconds of `KernelClock.monotonic`.
    package var deadline: Int64
    /// A sink ends this many nanoseconds after its first byte; nil: at the deadline only.
    package var window: Int64?
    package var byteBudget: UInt64
    /// What this stream shares with others, in addition to its own budget.
    package var account: (any ByteAccount)?

    package init(
        deadline: Int64,
        window: Int64? = nil,
        byteBudget: UInt64 = .max,
        account: (any ByteAccount)? = nil
    ) {
        self.deadline = deadline
        self.window = window
        self.byteBudget = byteBudget
        self.account = account
    }
}

/// Why a stream ended.
package enum ByteStreamEnd: Equatable, Sendable {
    case deadline
    case byteBudget
    case stopped
    /// The other side ended it.
    case endOfStream
    case failed(SystemError)
}

/// What one stream moved. Times are nanoseconds of `KernelClock.monotonic`.
package struct ByteTotals: Equatable, Sendable {
    package var bytes: UInt64 = 0
    /// When the kernel took, or delivered, the first and the last bytes; 0 if there were none.
    package var firstByte: Int64 = 0
    package var lastByte: Int64 = 0
    /// When the stream ended.
    package var endedAt: Int64 = 0
    /// Processor time of the stream's thread, nanoseconds.
    package var processorTime: Int64 = 0
    /// Retransmitted TCP segments (a source's; 0 for a sink).
    package var retransmits: UInt32 = 0
    /// TCP's smoothed and least round trip in microseconds, as the source's kernel saw them; 0 for a sink.
    package var roundTripMicroseconds: UInt32 = 0
    package var minimumRoundTripMicroseconds: UInt32 = 0
    package var end = ByteStreamEnd.stopped
    /// A sink's socket at its end.
    package var received: ReceivedSegments?

    package init() {}

    /// Between the first and the last byte; nil for fewer than two moments.
    package var bitsPerSecond: Double? {
        guard lastByte > firstByte else { return nil }
        return Double(bytes) * 8e9 / Double(lastByte - firstByte)
    }
}
