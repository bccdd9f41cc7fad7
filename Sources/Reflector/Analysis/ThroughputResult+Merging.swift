extension ThroughputResult {
    /// How far a receiver may claim more than its sender sent before the claim is refused: the two ends start and stop
    /// their counts some milliseconds apart.
    static let receivedTolerance = 1.02

    /// Joins what the two ends saw of one test: the sender's sent bytes, rate and retransmits with the receiver's received
    /// bytes, rate, jitter, loss and intervals.
    ///
    /// Engine, transport, mode and streams are the client's: it asked for the test. The reflector's view may come from a
    /// machine that lies, so a receiver that claims more than was sent is not believed.
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
            directions.append(merged(direction, sender: sender, receiver: receiver, notes: &notes))
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

    /// Fills in what arrived of an upload whose receiver gave no figures, because it was ended: the reflector's count of its
    /// bytes, over the time that the sender saw. Without it the sender's bytes would stand for what arrived.
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
        notes: inout [String]
    ) -> ThroughputDirection {
        // Each end's own count first; where it has none, what it was told of the other's.
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
        if let sent = result.bytesSent, let received = result.bytesReceived,
            Double(received) > Double(sent) * receivedTolerance
        {
            result.bytesReceived = nil
            result.bitsPerSecondReceived = nil
            result.intervals = sender?.intervals ?? []
            notes.append(
                "The receiver of the \(direction.rawValue) direction claims more bytes than were sent; "
                    + "the sender's figures are shown instead."
            )
        }
        return result
    }
}
