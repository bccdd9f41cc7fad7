internal import LinkMeasurement
internal import NIOCore

/// Converts a test's meters into what the reflector reports and charges.
enum SessionReport {
    static func make(
        _ session: LiveSession,
        state: SessionResult.State,
        reason: EndReason?,
        throughput: ThroughputResult?,
        retransmits: [StreamDirection: Int],
        busiestThread: Double? = nil
    ) -> SessionResult {
        let elapsed = ContinuousClock.now - session.startedAt
        let milliseconds = Int(elapsed / .milliseconds(1))
        var result = throughput
        if session.type == .throughput, session.params.engine == .native {
            result = native(session, retransmits)
        }
        let now = NIODeadline.now().uptimeNanoseconds
        if result != nil, let use = session.processorUse(busiestThread: busiestThread, at: now) {
            if result?.serverCPUPercent == nil { result?.serverCPUPercent = use.percent }
            if result?.engine == .native { result?.serverThreadPercent = use.busiestThreadPercent }
        }
        return SessionResult(
            testID: session.testID,
            testType: session.type,
            state: state,
            endReason: reason?.rawValue,
            durationMs: milliseconds,
            bytesUp: session.up.bytes + session.echoBytes.up + session.refusedBytes,
            bytesDown: session.down.bytes + session.echoBytes.down,
            throughput: result,
            echo: session.echoReport
        )
    }

    /// The reflector's half of a native test: what arrived, and what it sent.
    private static func native(_ session: LiveSession, _ retransmits: [StreamDirection: Int]) -> ThroughputResult {
        var directions: [ThroughputDirection] = []
        let up = session.up.received(at: NIODeadline.now().uptimeNanoseconds)
        if session.up.wasOpened {
            directions.append(
                ThroughputDirection(
                    direction: .up,
                    bytesReceived: up.bytes,
                    durationSec: up.seconds,
                    bitsPerSecondReceived: up.bitsPerSecond ?? 0,
                    silentSinceSec: up.silentSinceSec,
                    intervals: up.intervals
                )
            )
        }
        let down = session.down.sent()
        if session.down.wasOpened {
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
