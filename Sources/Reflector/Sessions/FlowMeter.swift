internal import Synchronization

/// Counts the bytes of one direction, in total and by second. Shared by all streams of that direction.
package final class FlowMeter: Sendable {
    package struct Reading: Sendable, Equatable {
        package var bytes = 0
        /// Nanoseconds of the monotonic clock; nil until the first byte.
        package var first: UInt64?
        package var last: UInt64?
        /// Bytes in each second since the first byte.
        package var perSecond: [Int] = []

        /// From the first byte to the last, in seconds.
        package var seconds: Double {
            guard let first, let last else { return 0 }
            return Double(last - first) / 1e9
        }
    }

    private struct State {
        var bytes = 0
        var first: UInt64?
        var last: UInt64 = 0
        var buckets: [Int]
    }

    private let state: Mutex<State>

    /// - Parameter seconds: longest time that is told by second; later bytes count in the last second.
    package init(seconds: Int) {
        self.state = Mutex(State(buckets: [Int](repeating: 0, count: max(1, seconds))))
    }

    /// - Returns: the bytes so far.
    @discardableResult
    package func record(_ count: Int, at now: UInt64) -> Int {
        state.withLock { state in
            let first = state.first ?? now
            state.first = first
            state.last = max(state.last, now)
            state.bytes += count
            let second = now > first ? Int((now - first) / 1_000_000_000) : 0
            state.buckets[min(second, state.buckets.count - 1)] += count
            return state.bytes
        }
    }

    /// Counts what was missed and sets the exact end: for streams whose bytes are sampled.
    package func settle(bytes: Int, last: UInt64) {
        state.withLock { state in
            guard let first = state.first else { return }
            state.last = max(first, last)
            let missed = bytes - state.bytes
            guard missed > 0 else { return }
            state.bytes = bytes
            let second = Int((state.last - first) / 1_000_000_000)
            state.buckets[min(second, state.buckets.count - 1)] += missed
        }
    }

    package func read() -> Reading {
        state.withLock { state in
            guard let first = state.first else { return Reading() }
            let seconds = min(Int((state.last - first) / 1_000_000_000) + 1, state.buckets.count)
            return Reading(
                bytes: state.bytes,
                first: first,
                last: state.last,
                perSecond: Array(state.buckets[..<seconds])
            )
        }
    }

    package var bytes: Int { state.withLock { $0.bytes } }
}
