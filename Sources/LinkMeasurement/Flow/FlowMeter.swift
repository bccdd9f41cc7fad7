internal import Synchronization

/// Counts the bytes of one direction, in total and by second. All streams of that direction share it.
///
/// Received bytes are timed when they arrive from the network, not when they are delivered. TLS delivers whole records
/// of 16 KiB, which on a slow link are a second's bytes, and TCP holds back what follows a lost segment.
package final class FlowMeter: Sendable {
    private struct State {
        /// Bytes of the test itself.
        var payload = 0
        /// Bytes as they arrived, with TLS framing if there is any; 0 if arrivals are not reported.
        var arrived = 0
        var isTimedByArrivals = false
        /// The framing of what arrived; nil if it is payload alone.
        var framing: Framing?
        var timeline: FlowTimeline
        var opened = 0
        var ended = 0
        /// When the last stream ended.
        var end: UInt64 = 0

        /// Bytes delivered to TLS, framing included.
        var given = 0

        /// The share of payload in what arrived.
        func share(_ framing: Framing, measured: Double) -> Double {
            let isUseless = measured < FlowMeter.leastPayload || measured > 1
            switch framing {
            case .anyRecords: return isUseless ? FlowMeter.payloadOfRecord : measured
            case .fullRecords:
                // Of each stream, the beginning of one record may wait for the rest. If more is missing, it is because
                // of other records.
                let least = Double(given) * FlowMeter.payloadOfRecord - Double(opened) * FlowMeter.record
                guard Double(payload) < least else { return FlowMeter.payloadOfRecord }
                return min(Double(payload) / Double(given), FlowMeter.payloadOfRecord)
            }
        }

        /// Every stream that was opened has ended.
        var hasEnded: Bool { opened > 0 && ended >= opened }
    }

    /// Share of payload in a full TLS 1.3 record: a header of 5, a type of 1 and a tag of 16 bytes per 16 KiB.
    private static let payloadOfRecord = record / 16_406
    private static let record = 16_384.0
    /// Below this share of what arrived, partial records make the payload useless as a measure.
    private static let leastPayload = 0.97

    private let state: Mutex<State>

    /// - Parameter seconds: the requested length of the test.
    package init(seconds: Int) {
        self.state = Mutex(State(timeline: FlowTimeline(asked: seconds)))
    }

    /// - Returns: the bytes so far.
    @discardableResult
    package func record(_ count: Int, at now: UInt64) -> Int {
        state.withLock { state in
            state.payload = state.payload.addingHeld(count)
            if !state.isTimedByArrivals { state.timeline.add(count, at: now) }
            return state.payload
        }
    }

    /// Raises the count to `bytes`, for streams whose bytes are sampled. Atomic, so that two samplers count nothing
    /// twice.
    package func raise(to bytes: Int) {
        state.withLock { $0.payload = max($0.payload, bytes) }
    }

    /// The measurement starts, or a part of it ends, without a byte.
    package func mark(at now: UInt64) {
        state.withLock { $0.timeline.add(0, at: now) }
    }

    /// Bytes of a stream that arrived, or left, between two samples.
    ///
    /// - Parameter since: when the stream's previous bytes did. On a slow line the new ones were in transit since then,
    ///   or since another stream's bytes arrived, whichever is later.
    func arrived(_ count: Int, since: UInt64, lastLook: UInt64, until now: UInt64) {
        state.withLock { state in
            state.arrived = state.arrived.addingHeld(count)
            let begin = min(lastLook, max(since, state.timeline.last))
            state.timeline.add(count, since: begin, until: now)
        }
    }

    /// Bytes in order, delivered to TLS.
    func delivered(_ count: Int) {
        state.withLock { $0.given = $0.given.addingHeld(count) }
    }

    enum Timing: Sendable {
        /// By ``FlowMeter/record(_:at:)``.
        case records
        /// By ``FlowMeter/arrived(_:since:lastLook:until:)``.
        case arrivals(Framing?)
    }

    /// TLS records around the payload. The payload's share is known for full records, but not for the last ones, which
    /// may be partial.
    package enum Framing: Sendable {
        case fullRecords
        case anyRecords
    }

    /// A stream starts.
    func opened(_ timing: Timing = .records) {
        state.withLock { state in
            state.opened += 1
            guard case .arrivals(let framing) = timing else { return }
            state.isTimedByArrivals = true
            state.framing = framing
        }
    }

    /// The sender of a stream has ended it, or the stream broke.
    func ended(at now: UInt64) {
        state.withLock { state in
            state.ended += 1
            state.end = max(state.end, now)
        }
    }

    /// Whether a stream of this direction was ever open.
    package var wasOpened: Bool { state.withLock { $0.opened > 0 } }

    /// Nanoseconds until the measurement is over; 0 if it is, nil if it has not started.
    package func left(at now: UInt64) -> UInt64? {
        state.withLock { state in
            if state.hasEnded { return 0 }
            return state.timeline.end.map { $0 > now ? $0 - now : 0 }
        }
    }

    /// What was received: from the first byte on for the requested time, or until every stream had ended.
    package func received(at now: UInt64) -> FlowReading {
        state.withLock { state in
            // A flow that its sender ended early has no silence after it.
            let isOver = state.hasEnded
            guard let reading = state.timeline.reading(until: isOver ? state.end : now) else { return FlowReading() }
            guard state.isTimedByArrivals, state.arrived > 0 else { return reading }
            let share = Double(state.payload) / Double(state.arrived)
            if isOver, state.end < state.timeline.end ?? 0 {
                // If the sender ended the flow early, as at a quota, unread bytes do not count. At the end of the
                // measurement they do: of four streams, the beginnings of four records.
                return reading.scaled(by: share, bytes: state.payload)
            }
            guard let framing = state.framing else { return reading }
            return reading.scaled(by: state.share(framing, measured: share))
        }
    }

    /// What was sent, from the first to the last byte.
    package func sent() -> FlowReading {
        state.withLock { $0.timeline.reading() ?? FlowReading() }
    }

    package var bytes: Int { state.withLock { $0.payload } }
}
