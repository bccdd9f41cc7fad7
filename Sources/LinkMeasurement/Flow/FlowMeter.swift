internal import Synchronization

/// Counts the bytes of one direction, in total and by second. Shared by all streams of that direction.
///
/// What is received is timed as it arrives from the network, not as it is given out: TLS gives out whole records of 16 KiB, which on a
/// slow link are a second's bytes, and TCP holds back what follows a lost segment.
package final class FlowMeter: Sendable {
    private struct State {
        /// Bytes of the test itself.
        var payload = 0
        /// Bytes as they arrived, with the framing of TLS where there is one; 0 where nothing is told of them.
        var arrived = 0
        var isTimedByArrivals = false
        /// Of what arrived; nil where it is payload alone.
        var framing: Framing?
        var timeline: FlowTimeline
        var opened = 0
        var ended = 0
        /// When the last stream ended.
        var end: UInt64 = 0

        /// What TLS was given, framing included.
        var given = 0

        /// Payload as a part of what arrived.
        func share(_ framing: Framing, measured: Double) -> Double {
            let isUseless = measured < FlowMeter.leastPayload || measured > 1
            switch framing {
            case .anyRecords: return isUseless ? FlowMeter.payloadOfRecord : measured
            case .fullRecords:
                // Of each stream the beginning of one record may wait for the rest. More is missing only of other records.
                let least = Double(given) * FlowMeter.payloadOfRecord - Double(opened) * FlowMeter.record
                guard Double(payload) < least else { return FlowMeter.payloadOfRecord }
                return min(Double(payload) / Double(given), FlowMeter.payloadOfRecord)
            }
        }

        /// Every stream that was opened has ended.
        var hasEnded: Bool { opened > 0 && ended >= opened }
    }

    /// Payload of a full record of TLS 1.3 as a share of it: a header of 5, a type of 1 and a tag of 16 bytes go with 16 KiB.
    private static let payloadOfRecord = record / 16_406
    private static let record = 16_384.0
    /// Below this part of what came, records of which only the beginning has come make the payload useless as a measure.
    private static let leastPayload = 0.97

    private let state: Mutex<State>

    /// - Parameter seconds: the length of the test that was asked for.
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

    /// Counts what is missing to `bytes`, for streams whose bytes are sampled. In one step, so that two who sample count nothing
    /// twice.
    package func raise(to bytes: Int) {
        state.withLock { $0.payload = max($0.payload, bytes) }
    }

    /// The measurement begins, or something of it ends, without a byte.
    package func mark(at now: UInt64) {
        state.withLock { $0.timeline.add(0, at: now) }
    }

    /// Bytes of a stream that arrived, or left, between two looks.
    ///
    /// - Parameter since: when the stream's last bytes did. On a slow line these were on their way since then, or since another
    ///   stream's bytes came, which is later.
    func arrived(_ count: Int, since: UInt64, lastLook: UInt64, until now: UInt64) {
        state.withLock { state in
            state.arrived = state.arrived.addingHeld(count)
            let begin = min(lastLook, max(since, state.timeline.last))
            state.timeline.add(count, since: begin, until: now)
        }
    }

    /// Bytes in order, on their way into TLS.
    func gave(_ count: Int) {
        state.withLock { $0.given = $0.given.addingHeld(count) }
    }

    enum Timing: Sendable {
        /// By what is recorded.
        case records
        /// By what ``FlowMeter/arrived(_:since:lastLook:until:)`` tells.
        case arrivals(Framing?)
    }

    /// TLS's records around the payload. Of full ones the payload's share is known, while that of the last ones, of which only the
    /// beginning has come, is not.
    package enum Framing: Sendable {
        case fullRecords
        case anyRecords
    }

    /// A stream begins.
    func opened(_ timing: Timing = .records) {
        state.withLock { state in
            state.opened += 1
            guard case .arrivals(let framing) = timing else { return }
            state.isTimedByArrivals = true
            state.framing = framing
        }
    }

    /// The sender of a stream has ended it, or it broke.
    func ended(at now: UInt64) {
        state.withLock { state in
            state.ended += 1
            state.end = max(state.end, now)
        }
    }

    /// Whether a stream of this direction was ever open.
    package var wasOpened: Bool { state.withLock { $0.opened > 0 } }

    /// Nanoseconds until the measurement is over; 0 when it is, nil when it has not begun.
    package func left(at now: UInt64) -> UInt64? {
        state.withLock { state in
            if state.hasEnded { return 0 }
            return state.timeline.end.map { $0 > now ? $0 - now : 0 }
        }
    }

    /// What was received: from the first byte on for the time asked for, or until every stream had ended.
    package func received(at now: UInt64) -> FlowReading {
        state.withLock { state in
            // A flow that its sender ended before the time was over has no silence behind it.
            let isOver = state.hasEnded
            guard let reading = state.timeline.reading(until: isOver ? state.end : now) else { return FlowReading() }
            guard state.isTimedByArrivals, state.arrived > 0 else { return reading }
            let share = Double(state.payload) / Double(state.arrived)
            if isOver, state.end < state.timeline.end ?? 0 {
                // What arrived and was not read when the sender ended the flow, as at a quota, is no part of it. At the end of the
                // measurement it is: of four streams, the beginnings of four records.
                return reading.scaled(by: share, bytes: state.payload)
            }
            guard let framing = state.framing else { return reading }
            return reading.scaled(by: state.share(framing, measured: share))
        }
    }

    /// What was sent, from the beginning to the end of the sending.
    package func sent() -> FlowReading {
        state.withLock { $0.timeline.reading() ?? FlowReading() }
    }

    package var bytes: Int { state.withLock { $0.payload } }
}
