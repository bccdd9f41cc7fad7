/// Which refusals, of strangers or of one peer, get a line of their own in the audit log and in the server's log. The
/// others are counted until their window ends, so that endless attempts cannot fill the disk. No clock inside: times
/// are arguments, in nanoseconds of a monotonic clock.
struct RefusalBudget: Sendable {
    /// Refusals without a line of their own.
    struct Suppressed: Sendable, Equatable {
        var count: Int
        /// Unix microseconds of the first and the last of them.
        var first: Int64
        var last: Int64
    }

    enum Decision: Equatable {
        /// The refusal gets its line.
        case write
        /// It is counted; `startsWindow` is true for the first of a window, at whose end the sum must be taken.
        case suppress(startsWindow: Bool)
    }

    /// Lines at once.
    let burst: Int
    /// Nanoseconds until one more line may be written.
    let refill: UInt64
    /// How long refusals are counted before their sum is written.
    let window: Duration

    private var tokens: Int
    private var refilledAt: UInt64 = 0
    private(set) var suppressed: Suppressed?

    /// By default 48 lines at once, then three a minute, and one sum a minute if there is something to sum up: some 3
    /// MB a day under an endless flood.
    init(burst: Int = 48, refill: UInt64 = 20_000_000_000, window: Duration = .seconds(60)) {
        self.burst = burst
        self.refill = refill
        self.window = window
        self.tokens = burst
    }

    /// - Parameters:
    ///   - now: nanoseconds of a monotonic clock.
    ///   - time: Unix microseconds.
    mutating func decide(now: UInt64, time: Int64) -> Decision {
        let earned = now &- refilledAt
        if tokens == burst || earned / refill >= UInt64(burst) {
            tokens = burst
            refilledAt = now
        } else {
            tokens = min(burst, tokens + Int(earned / refill))
            refilledAt += earned / refill * refill
        }
        if tokens > 0 {
            tokens -= 1
            return .write
        }
        guard var sum = suppressed else {
            suppressed = Suppressed(count: 1, first: time, last: time)
            return .suppress(startsWindow: true)
        }
        sum.count += 1
        sum.last = time
        suppressed = sum
        return .suppress(startsWindow: false)
    }

    /// Whether it equals a new one.
    func isFresh(at now: UInt64) -> Bool {
        suppressed == nil && (tokens == burst || (now &- refilledAt) / refill >= UInt64(burst - tokens))
    }

    /// Takes the count; nil if there is nothing.
    mutating func takeSuppressed() -> Suppressed? {
        defer { suppressed = nil }
        return suppressed
    }

    /// Puts back a sum that could not be written.
    mutating func restore(_ sum: Suppressed) {
        guard let newer = suppressed else { return suppressed = sum }
        suppressed = Suppressed(count: sum.count + newer.count, first: sum.first, last: newer.last)
    }
}
