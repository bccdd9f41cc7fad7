internal import FoundationEssentials

/// Parses the output of `iperf3 -J`, as client or as server, into a ``ThroughputResult``.
package enum IPerf3Output {
    /// 8 MiB: 60 s of 128 streams take less than 2 MiB.
    package static let mostBytes = 8 * 1024 * 1024
    /// iperf3's own documents have 6 levels.
    static let mostLevels = 32
    /// A day in ten-second steps or two hours in seconds; beyond it, the totals still count.
    package static let mostIntervals = 8_640

    /// Which of the two programs printed it.
    package enum Role: Sendable {
        case client
        case server
    }

    /// Why an output has no result.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case tooLarge(bytes: Int)
        /// It contains no JSON object; `start` is its beginning.
        case notJSON(start: String)
        /// A JSON object starts and does not end, or is not well-formed.
        case truncated(bytes: Int)
        /// iperf3's own message, if nothing was measured before it failed.
        case reported(String)
        case noResult

        package var description: String {
            switch self {
            case .tooLarge(let bytes):
                "iperf3 printed \(bytes) bytes: must be at most \(IPerf3Output.mostBytes); run a shorter test"
            case .notJSON(let start):
                start.isEmpty
                    ? "iperf3 printed nothing; was it killed, or is it another program?"
                    : "iperf3 printed “\(start)” instead of JSON; is it version 3 or later?"
            case .truncated(let bytes):
                "iperf3's JSON of \(bytes) bytes is incomplete or malformed; it was probably killed while it wrote"
            case .reported(let message):
                "iperf3: \(message)"
            case .noResult:
                "iperf3's JSON contains no throughput; did the test end before it started?"
            }
        }
    }

    /// The normalized result.
    ///
    /// A figure that the printing end could not know is nil: a server never learns the client's counts, and neither end
    /// the other's if the test ended early. An early end is a note in the result if something had been measured.
    package static func result(
        _ output: [UInt8],
        printedBy role: Role,
        mode: ThroughputResult.Mode
    ) throws(Failure) -> ThroughputResult {
        let document = try read(output)
        let message = document.error?.printable(limit: 200)
        // The two ends exchange their counts when a test ends well, and only the client prints them.
        let knowsBoth = role == .client && message == nil
        let main: ThroughputDirection.Direction = document.reverse ? .down : .up
        let other: ThroughputDirection.Direction = document.reverse ? .up : .down
        let sides: [(ThroughputDirection.Direction, IPerf3Document.Total, [IPerf3Document.Sum])] = [
            (main, document.forward, document.intervals.compactMap(\.sum)),
            (other, document.backward, document.intervals.compactMap(\.reverseSum)),
        ]
        let isUDP = document.transport?.uppercased() == "UDP"
        let directions = sides.compactMap { direction, total, intervals in
            normalized(
                direction,
                total: total,
                intervals: intervals,
                isUDP: isUDP,
                knowsBoth: knowsBoth,
                sends: (role == .client) == (direction == .up)
            )
        }
        let moved = directions.contains { ($0.bytesSent ?? 0) > 0 || ($0.bytesReceived ?? 0) > 0 }
        if let message, !moved { throw .reported(message) }
        guard !directions.isEmpty else { throw .noResult }
        let own = document.ownCPUPercent
        let remote = knowsBoth ? document.remoteCPUPercent : nil
        return ThroughputResult(
            engine: .iperf3,
            transport: isUDP ? .udp : .tcp,
            mode: mode,
            streams: document.streams ?? 1,
            directions: directions.sorted { $0.direction == .up && $1.direction == .down },
            clientCPUPercent: role == .client ? own : remote,
            serverCPUPercent: role == .client ? remote : own,
            notes: message.map { ["iperf3 ended early: \($0)"] } ?? []
        ).bounded()
    }

    private static func normalized(
        _ direction: ThroughputDirection.Direction,
        total: IPerf3Document.Total,
        intervals: [IPerf3Document.Sum],
        isUDP: Bool,
        knowsBoth: Bool,
        sends: Bool
    ) -> ThroughputDirection? {
        let steps = intervals.compactMap { sum -> ThroughputInterval? in
            guard sum.omitted != true, let start = sum.start, let end = sum.end, let bytes = sum.bytes else {
                return nil
            }
            return ThroughputInterval(
                startSec: start,
                endSec: end,
                bytes: bytes,
                bitsPerSecond: sum.bitsPerSecond ?? (end > start ? Double(bytes) * 8 / (end - start) : 0),
                retransmits: sum.retransmits
            )
        }
        guard !total.isEmpty || !steps.isEmpty else { return nil }
        let sent = sends || knowsBoth ? total.sent ?? total.plain : nil
        let received = !sends || knowsBoth ? total.received ?? total.plain : nil
        let known = received ?? sent
        let duration = known?.seconds ?? steps.last?.endSec ?? 0
        // Without totals, the intervals are this end's own view.
        let counted: Int? = known == nil ? steps.reduce(0) { $0.addingHeld($1.bytes) } : nil
        let counter = isUDP ? received ?? total.plain : nil
        let lossKnown = isUDP && received != nil
        return ThroughputDirection(
            direction: direction,
            bytesSent: sent?.bytes ?? (sends ? counted : nil),
            bytesReceived: received?.bytes ?? (sends ? nil : counted),
            durationSec: duration,
            bitsPerSecondSent: rate(sent, counted: sends ? counted : nil, duration: duration),
            bitsPerSecondReceived: rate(received, counted: sends ? nil : counted, duration: duration),
            retransmits: isUDP ? nil : sent?.retransmits,
            jitterMs: lossKnown ? counter?.jitterMs : nil,
            packets: lossKnown ? counter?.packets : nil,
            lostPackets: lossKnown ? counter?.lostPackets : nil,
            lossPercent: lossKnown ? lossPercent(counter) : nil,
            intervals: steps
        )
    }

    private static func rate(_ sum: IPerf3Document.Sum?, counted: Int?, duration: Double) -> Double? {
        if let rate = sum?.bitsPerSecond { return rate }
        guard let bytes = sum?.bytes ?? counted, duration > 0 else { return nil }
        return Double(bytes) * 8 / duration
    }

    private static func lossPercent(_ sum: IPerf3Document.Sum?) -> Double? {
        if let percent = sum?.lostPercent { return percent }
        guard let lost = sum?.lostPackets, let packets = sum?.packets, packets > 0 else { return nil }
        return Double(lost) * 100 / Double(packets)
    }
}

extension IPerf3Output {
    private static func read(_ output: [UInt8]) throws(Failure) -> IPerf3Document {
        guard output.count <= mostBytes else { throw .tooLarge(bytes: output.count) }
        let object = try firstObject(in: output)
        do {
            return try JSONDecoder().decode(IPerf3Document.self, from: Data(object))
        } catch {
            throw .truncated(bytes: object.count)
        }
    }

    /// The first complete JSON object. iperf3 prints warnings before it on some systems, and a server without
    /// `--one-off` prints one object after another. Counting levels here also bounds the decoder's depth.
    private static func firstObject(in output: [UInt8]) throws(Failure) -> ArraySlice<UInt8> {
        guard let start = output.firstIndex(of: UInt8(ascii: "{")) else {
            // Decoding invalid UTF-8 inserts replacement characters; the text is only quoted.
            let beginning = String(decoding: output.prefix(80), as: UTF8.self)
            throw .notJSON(start: String(beginning.drop(while: \.isWhitespace)).printable(limit: 60))
        }
        var level = 0
        var inString = false
        var escaped = false
        for index in start..<output.count {
            let byte = output[index]
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                level += 1
                guard level <= mostLevels else { throw .truncated(bytes: output.count) }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                level -= 1
                if level == 0 { return output[start...index] }
            default: break
            }
        }
        throw .truncated(bytes: output.count)
    }
}
