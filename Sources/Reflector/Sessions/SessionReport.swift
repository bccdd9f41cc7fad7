/// Turns what a test's meters hold into what the endpoint reports and charges.
enum SessionReport {
    static func make(
        _ session: LiveSession,
        state: SessionResult.State,
        reason: EndReason?,
        throughput: ThroughputResult?,
        retransmits: [StreamDirection: Int],
        cpu: CPUTime
    ) -> SessionResult {
        let elapsed = ContinuousClock.now - session.startedAt
        let milliseconds = Int(elapsed / .milliseconds(1))
        var result = throughput
        if session.type == .throughput, session.params.engine == .native {
            result = native(session, retransmits)
        }
        let active = max(session.up.read().seconds, session.down.read().seconds)
        if active > 0, result?.serverCPUPercent == nil { result?.serverCPUPercent = cpu.seconds / active * 100 }
        return SessionResult(
            testID: session.testID,
            testType: session.type,
            state: state,
            endReason: reason?.rawValue,
            durationMs: milliseconds,
            bytesUp: session.up.bytes + session.echoBytes.up,
            bytesDown: session.down.bytes + session.echoBytes.down,
            throughput: result,
            echo: session.echoReport
        )
    }

    /// The endpoint's half of a native test: what arrived, and what it sent.
    private static func native(_ session: LiveSession, _ retransmits: [StreamDirection: Int]) -> ThroughputResult {
        var directions: [ThroughputDirection] = []
        let up = session.up.read()
        if up.bytes > 0 {
            directions.append(
                ThroughputDirection(
                    direction: .up,
                    bytesReceived: up.bytes,
                    durationSec: up.seconds,
                    bitsPerSecondReceived: up.bitsPerSecond,
                    intervals: up.intervals
                )
            )
        }
        let down = session.down.read()
        if down.bytes > 0 {
            directions.append(
                ThroughputDirection(
                    direction: .down,
                    bytesSent: down.bytes,
                    durationSec: down.seconds,
                    bitsPerSecondSent: down.bitsPerSecond,
                    retransmits: retransmits[.down],
                    intervals: down.intervals
                )
            )
        }
        return ThroughputResult(
            engine: .native,
            transport: .tcp,
            mode: session.mode,
            streams: session.streams,
            directions: directions
        )
    }
}

extension FlowMeter.Reading {
    package var bitsPerSecond: Double? {
        seconds > 0 ? Double(bytes) * 8 / seconds : nil
    }

    /// Whole seconds, and the rest of the last one.
    package var intervals: [ThroughputInterval] {
        perSecond.enumerated().compactMap { index, bytes in
            let end = index + 1 == perSecond.count ? seconds : Double(index + 1)
            // The rate of a sliver of a second says nothing.
            guard end - Double(index) >= 0.25 else { return nil }
            return ThroughputInterval(startSec: Double(index), endSec: end, bytes: bytes)
        }
    }
}
