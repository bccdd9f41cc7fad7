/// The upper bounds of figures. A figure beyond its bound is dropped, so that no later sum or plot can overflow.
package enum ThroughputBounds {
    /// 10 Pbit/s: a thousand times the fastest port sold.
    package static let bitsPerSecond = 1e16
    /// 1 EB, a ninth of 2^63, so that two of them may be added.
    package static let bytes = 1_000_000_000_000_000_000
    /// A day; the longest test that a reflector can grant is far shorter.
    package static let durationSec = 86_400.0
    /// iperf3 refuses more than 128 (`MAX_STREAMS`).
    package static let streams = 128
    /// About 120 bytes of JSON each: two directions stay well below the link's frame of 1 MiB.
    package static let intervals = 1_000
    /// 100 is one core; a process on 1 024 cores.
    package static let cpuPercent = 102_400.0
    package static let notes = 8
    /// A tail shorter than this share of a second is joined to the previous interval: iperf3 ends a test with one of
    /// some microseconds whose rate means nothing.
    package static let shortestIntervalSec = 0.1
}

extension ThroughputResult {
    /// The same result without impossible figures: negative, infinite or beyond ``ThroughputBounds``.
    package func bounded() -> ThroughputResult {
        var seen: Set<ThroughputDirection.Direction> = []
        var result = self
        result.streams = min(max(streams, 1), ThroughputBounds.streams)
        result.askedSec = askedSec.bounded(by: Int(ThroughputBounds.durationSec))
        result.directions = directions.filter { seen.insert($0.direction).inserted }.map { $0.bounded() }
        if engine == .iperf3, mode == .tunneled {
            // Those are of its connection over loopback to the tunnel.
            for index in result.directions.indices {
                result.directions[index].retransmits = nil
                for interval in result.directions[index].intervals.indices {
                    result.directions[index].intervals[interval].retransmits = nil
                }
            }
        }
        result.clientCPUPercent = clientCPUPercent.bounded(by: ThroughputBounds.cpuPercent)
        result.serverCPUPercent = serverCPUPercent.bounded(by: ThroughputBounds.cpuPercent)
        result.clientThreadPercent = clientThreadPercent.bounded(by: 100)
        result.serverThreadPercent = serverThreadPercent.bounded(by: 100)
        result.notes = notes.prefix(ThroughputBounds.notes).map { $0.printable(limit: 200) }
        return result
    }
}

extension ThroughputDirection {
    func bounded() -> ThroughputDirection {
        var result = self
        result.bytesSent = bytesSent.bounded(by: ThroughputBounds.bytes)
        result.bytesReceived = bytesReceived.bounded(by: ThroughputBounds.bytes)
        result.durationSec = Optional(durationSec).bounded(by: ThroughputBounds.durationSec) ?? 0
        result.bitsPerSecondSent = bitsPerSecondSent.bounded(by: ThroughputBounds.bitsPerSecond)
        result.bitsPerSecondReceived = bitsPerSecondReceived.bounded(by: ThroughputBounds.bitsPerSecond)
        result.retransmits = retransmits.bounded(by: ThroughputBounds.bytes)
        result.jitterMs = jitterMs.bounded(by: ThroughputBounds.durationSec * 1000)
        result.packets = packets.bounded(by: ThroughputBounds.bytes)
        result.lostPackets = lostPackets.bounded(by: ThroughputBounds.bytes)
        result.lossPercent = lossPercent.bounded(by: 100)
        // Silence starts within the measured time.
        result.silentSinceSec = silentSinceSec.bounded(by: result.durationSec)
        result.intervals = ThroughputInterval.tidied(intervals)
        return result
    }
}

extension ThroughputInterval {
    /// Drops impossible intervals, joins a tail that is too short for a rate, and halves the resolution until there are
    /// at most ``ThroughputBounds/intervals``.
    static func tidied(_ intervals: [ThroughputInterval]) -> [ThroughputInterval] {
        var kept = joiningShortTail(intervals.filter { $0.isPossible }.sorted { $0.startSec < $1.startSec })
        while kept.count > ThroughputBounds.intervals {
            kept = stride(from: 0, to: kept.count, by: 2).map { index in
                index + 1 < kept.count ? kept[index].joined(with: kept[index + 1]) : kept[index]
            }
        }
        return joiningShortTail(kept)
    }

    /// Leaves nothing short at the end, so that tidying again changes nothing.
    private static func joiningShortTail(_ intervals: [ThroughputInterval]) -> [ThroughputInterval] {
        var kept = intervals
        while kept.count > 1, let tail = kept.last, tail.endSec - tail.startSec < ThroughputBounds.shortestIntervalSec {
            kept.removeLast()
            kept[kept.count - 1] = kept[kept.count - 1].joined(with: tail)
        }
        return kept
    }

    private var isPossible: Bool {
        guard let start = Optional(startSec).bounded(by: ThroughputBounds.durationSec),
            let end = Optional(endSec).bounded(by: ThroughputBounds.durationSec)
        else { return false }
        return start <= end && Optional(bytes).bounded(by: ThroughputBounds.bytes) != nil
            && Optional(bitsPerSecond).bounded(by: ThroughputBounds.bitsPerSecond) != nil
    }

    private func joined(with next: ThroughputInterval) -> ThroughputInterval {
        // Two bounded byte counts fit; after many joins, the sum stays at the bound.
        let sum = min(bytes + next.bytes, ThroughputBounds.bytes)
        let again: Int? =
            switch (retransmits, next.retransmits) {
            case (nil, nil): nil
            case (let first, let second): (first ?? 0).addingHeld(second ?? 0)
            }
        var joined = ThroughputInterval(startSec: startSec, endSec: next.endSec, bytes: sum, retransmits: again)
        joined.bitsPerSecond = min(joined.bitsPerSecond, ThroughputBounds.bitsPerSecond)
        return joined
    }
}
