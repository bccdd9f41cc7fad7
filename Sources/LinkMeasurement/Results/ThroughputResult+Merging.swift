extension ThroughputResult {
    /// How much more than the sender sent a receiver may claim: the two ends start and stop counting some milliseconds
    /// apart.
    static let receivedTolerance = 1.02

    /// Joins what the two ends saw of one test: the sender's sent bytes, rate and retransmits with the receiver's
    /// received bytes, rate, jitter, loss and intervals.
    ///
    /// Engine, transport, mode and streams are the client's: it requested the test. The reflector may lie, so its bytes
    /// and times must fit what this end counted.
    package static func merging(client: ThroughputResult, server: ThroughputResult) -> ThroughputResult {
        let client = client.bounded()
        let server = server.bounded()
        var notes = client.notes
        notes.append(contentsOf: server.notes.filter { !notes.contains($0) })
        var directions: [ThroughputDirection] = []
        for direction in ThroughputDirection.Direction.allCases {
            let (sender, receiver) =
                direction == .up ? (client[direction], server[direction]) : (server[direction], client[direction])
            guard sender != nil || receiver != nil else { continue }
            directions.append(
                merged(direction, sender: sender, receiver: receiver, asked: client.askedSec, notes: &notes)
            )
        }
        return ThroughputResult(
            engine: client.engine,
            transport: client.transport,
            mode: client.mode,
            streams: client.streams,
            askedSec: client.askedSec,
            directions: directions,
            clientCPUPercent: client.clientCPUPercent ?? server.clientCPUPercent,
            serverCPUPercent: server.serverCPUPercent ?? client.serverCPUPercent,
            clientThreadPercent: client.clientThreadPercent,
            serverThreadPercent: server.serverThreadPercent,
            notes: notes
        ).bounded()
    }

    /// Fills in what arrived of an upload whose receiver gave no figures, because it was ended: the reflector's count
    /// of its bytes, over the time that the sender saw. Without this, the sender's bytes would count as arrived.
    package mutating func fillUpload(received bytes: Int) {
        guard let index = directions.firstIndex(where: { $0.direction == .up }),
            directions[index].bitsPerSecondReceived == nil, directions[index].durationSec > 0, bytes > 0,
            Double(bytes) <= Double(directions[index].bytesSent ?? bytes) * Self.receivedTolerance
        else { return }
        directions[index].bytesReceived = bytes
        directions[index].bitsPerSecondReceived = Double(bytes) * 8 / directions[index].durationSec
    }

    private static func merged(
        _ direction: ThroughputDirection.Direction,
        sender: ThroughputDirection?,
        receiver: ThroughputDirection?,
        asked: Int?,
        notes: inout [String]
    ) -> ThroughputDirection {
        // Each end's own count first; if it has none, the count that the other end sent.
        var result = ThroughputDirection(
            direction: direction,
            bytesSent: sender?.bytesSent ?? receiver?.bytesSent,
            bytesReceived: receiver?.bytesReceived ?? sender?.bytesReceived,
            durationSec: receiver?.durationSec ?? sender?.durationSec ?? 0,
            bitsPerSecondSent: sender?.bitsPerSecondSent ?? receiver?.bitsPerSecondSent,
            bitsPerSecondReceived: receiver?.bitsPerSecondReceived ?? sender?.bitsPerSecondReceived,
            retransmits: sender?.retransmits ?? receiver?.retransmits,
            jitterMs: receiver?.jitterMs ?? sender?.jitterMs,
            packets: receiver?.packets ?? sender?.packets,
            lostPackets: receiver?.lostPackets ?? sender?.lostPackets,
            lossPercent: receiver?.lossPercent ?? sender?.lossPercent,
            silentSinceSec: receiver?.silentSinceSec
        )
        let arrived = receiver?.intervals ?? []
        result.intervals = arrived.isEmpty ? sender?.intervals ?? [] : arrived
        if direction == .up { result.settleUpload(sentIn: sender?.durationSec ?? 0, asked: asked) }
        guard let sent = result.bytesSent, let received = result.bytesReceived,
            Double(received) > Double(sent) * receivedTolerance
        else { return result }
        switch direction {
        case .down:
            // What arrived here was counted here.
            result.bytesSent = nil
            result.bitsPerSecondSent = nil
            result.retransmits = nil
            result.intervals = arrived
            notes.append("The reflector claims to have sent less than arrived here; its figures are not shown.")
        case .up:
            result.bytesReceived = nil
            result.bitsPerSecondReceived = nil
            result.intervals = sender?.intervals ?? []
            notes.append(
                "The receiver of the up direction claims more bytes than were sent; "
                    + "the sender's figures are shown instead."
            )
        }
        return result
    }
}

extension ThroughputDirection {
    /// The least share of the sender's time that an upload's receiver may have seen: on a slow link the first byte is
    /// late.
    private static let shortestShare = 0.1
    /// The longest time that a receiver waits for bytes in transit, beside twice the requested time.
    private static let longestRestSec = 10.0
    /// A reported rate differs at most by this share from its bytes over its time: it has fewer digits, or a share of
    /// its last bytes is known only in bytes.
    private static let rateTolerance = 0.05

    /// Checks the figures of an upload's receiver, which come from the far end, against each other and this end's time.
    /// - Parameter sentIn: seconds in which this end sent.
    fileprivate mutating func settleUpload(sentIn: Double, asked: Int?) {
        let whole = sentIn > 0 ? sentIn : asked.map(Double.init) ?? 0
        if whole > 0 {
            let longest = 2 * max(whole, Double(asked ?? 0)) + Self.longestRestSec
            if durationSec < whole * Self.shortestShare || durationSec > longest { durationSec = whole }
        }
        guard let received = bytesReceived else {
            bitsPerSecondReceived = nil
            return
        }
        guard durationSec > 0 else { return }
        let rate = Double(received) * 8 / durationSec
        let isClose = bitsPerSecondReceived.map { abs($0 - rate) <= rate * Self.rateTolerance } ?? false
        if !isClose { bitsPerSecondReceived = rate }
    }
}
