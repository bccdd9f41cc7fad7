package import LinkMeasurement
internal import Operations

/// Results as CSV (RFC 4180: CRLF line ends, quotes doubled), one row for each summary and each interval.
///
/// The columns are always ``header``; a cell without a value is empty. `record` is the kind of the row:
///
/// | record | phase | cells |
/// | --- | --- | --- |
/// | `examination` | | `grade`, `text` (the verdict's sentence), `limit` |
/// | `throughput` | `download`, `upload` | `direction`, `end_sec` (its length), bytes, rates, `retransmits`, loss, jitter |
/// | `throughput_interval` | the same | `direction`, `start_sec`, `end_sec`, `moved_bytes`, `received_bps`, `retransmits` |
/// | `latency` | `idle` | `sent` … `rtt_max_ms` |
/// | `bufferbloat` | `idle`, `download`, `upload`, `both` | those of `latency`, the load, `increase_ms`, `grade`, why there is none |
/// | `bufferbloat_grade` | | `grade`, `round_trips_per_minute`, `text` (why there is no grade) |
///
/// Text from outside cannot become a formula: a cell that starts with `=`, `+`, `-`, `@`, a tab or a line end gets an
/// apostrophe before it, which spreadsheets read as text. Numbers are written with a point and no grouping.
package enum CSVReport {
    package static let columns: [Column] = Column.allCases

    package enum Column: String, CaseIterable, Sendable {
        case examinationID = "examination_id"
        case startedAt = "started_at"
        case reflector
        case reflectorID = "reflector_id"
        case record
        case phase
        case direction
        case startSec = "start_sec"
        case endSec = "end_sec"
        case movedBytes = "moved_bytes"
        case sentBytes = "sent_bytes"
        case sentBps = "sent_bps"
        case receivedBps = "received_bps"
        case retransmits
        case sent
        case received
        case lost
        case lossPercent = "loss_percent"
        case lostUp = "lost_up"
        case lostDown = "lost_down"
        case rateLimited = "rate_limited"
        case jitterMs = "jitter_ms"
        case rttMin = "rtt_min_ms"
        case rttMean = "rtt_mean_ms"
        case rttP50 = "rtt_p50_ms"
        case rttP95 = "rtt_p95_ms"
        case rttP99 = "rtt_p99_ms"
        case rttMax = "rtt_max_ms"
        case loadDownBps = "load_down_bps"
        case loadUpBps = "load_up_bps"
        case increaseMs = "increase_ms"
        case roundTripsPerMinute = "round_trips_per_minute"
        case grade
        case limit
        case text
    }

    /// The first line.
    package static var header: String { line(columns.map(\.rawValue)) }

    /// All rows of the examinations under one header.
    package static func text(_ examinations: [Examination]) -> String {
        header + examinations.flatMap(rows).map(line).joined()
    }

    package static func text(_ result: ThroughputResult) -> String {
        header + rows(result, phase: nil).map(line).joined()
    }

    package static func text(_ result: LatencyResult) -> String {
        header + line(row(result))
    }

    package static func text(_ result: BufferbloatResult) -> String {
        header + rows(result).map(line).joined()
    }
}

extension CSVReport {
    typealias Row = [Column: String]

    private static func rows(_ examination: Examination) -> [Row] {
        var rows: [Row] = [
            [
                .record: "examination",
                .grade: examination.verdict.grade?.rawValue ?? "",
                .limit: examination.verdict.limit.rawValue,
                .text: safe(examination.verdict.sentence),
            ]
        ]
        if let result = examination.download { rows += self.rows(result, phase: .down) }
        if let result = examination.upload { rows += self.rows(result, phase: .up) }
        if let result = examination.latency { rows.append(row(result)) }
        if let result = examination.bufferbloat { rows += self.rows(result) }
        let shared: Row = [
            .examinationID: safe(examination.id),
            .startedAt: examination.startedAt.rfc3339,
            .reflector: safe(examination.reflector.name),
            .reflectorID: safe(examination.reflector.id),
        ]
        return rows.map { $0.merging(shared) { own, _ in own } }
    }

    private static func rows(_ result: ThroughputResult, phase: ThroughputDirection.Direction?) -> [Row] {
        result.bounded().directions.flatMap { moved in
            let shared: Row = [
                .phase: (phase ?? moved.direction).words,
                .direction: moved.direction.rawValue,
            ]
            let summary: Row = [
                .record: "throughput",
                .startSec: "0",
                .endSec: number(moved.durationSec),
                .movedBytes: number(moved.bytesReceived),
                .sentBytes: number(moved.bytesSent),
                .sentBps: number(moved.bitsPerSecondSent),
                .receivedBps: number(moved.bitsPerSecondReceived),
                .retransmits: number(moved.retransmits),
                .sent: number(moved.packets),
                .lost: number(moved.lostPackets),
                .lossPercent: number(moved.lossPercent),
                .jitterMs: number(moved.jitterMs),
            ]
            let intervals = moved.intervals.map { interval -> Row in
                [
                    .record: "throughput_interval",
                    .startSec: number(interval.startSec),
                    .endSec: number(interval.endSec),
                    .movedBytes: number(interval.bytes),
                    .receivedBps: number(interval.bitsPerSecond),
                    .retransmits: number(interval.retransmits),
                ]
            }
            return ([summary] + intervals).map { $0.merging(shared) { own, _ in own } }
        }
    }

    private static func row(_ result: LatencyResult) -> Row {
        [
            .record: "latency",
            .phase: BufferbloatResult.Phase.idle.rawValue,
            .sent: number(result.sent),
            .received: number(result.received),
            .lost: number(result.lost),
            .lossPercent: number(result.lossPercent),
            .lostUp: number(result.lostUp),
            .lostDown: number(result.lostDown),
            .rateLimited: number(result.rateLimited),
            .jitterMs: number(result.jitterMs),
            .rttMin: number(result.rtt?.min),
            .rttMean: number(result.rtt?.mean),
            .rttP50: number(result.rtt?.p50),
            .rttP95: number(result.rtt?.p95),
            .rttP99: number(result.rtt?.p99),
            .rttMax: number(result.rtt?.max),
        ]
    }

    private static func rows(_ result: BufferbloatResult) -> [Row] {
        let phases = result.phases.map { phase -> Row in
            let own: Row = [
                .record: "bufferbloat",
                .phase: phase.phase.rawValue,
                .increaseMs: number(phase.increaseMs),
                .roundTripsPerMinute: number(phase.roundTripsPerMinute),
                .grade: phase.grade?.rawValue ?? "",
                .text: safe(phase.inconclusive ?? ""),
                .loadDownBps: number(phase.downBitsPerSecond),
                .loadUpBps: number(phase.upBitsPerSecond),
            ]
            return row(phase.latency).merging(own) { _, own in own }
        }
        let summary: Row = [
            .record: "bufferbloat_grade",
            .grade: result.grade?.rawValue ?? "",
            .roundTripsPerMinute: number(result.roundTripsPerMinute),
            .text: safe(result.inconclusive ?? ""),
        ]
        return phases + [summary]
    }

    private static func line(_ row: Row) -> String {
        line(columns.map { row[$0] ?? "" })
    }

    private static func line(_ cells: [String]) -> String {
        cells.map(quoted).joined(separator: ",") + "\r\n"
    }

    private static func quoted(_ cell: String) -> String {
        let bytes = cell.utf8
        guard
            bytes.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) || bytes.first == 0x20
                || bytes.first == 0x27
        else { return cell }
        var doubled = ""
        for scalar in cell.unicodeScalars {
            if scalar == "\"" { doubled.unicodeScalars.append(scalar) }
            doubled.unicodeScalars.append(scalar)
        }
        return "\"\(doubled)\""
    }

    /// Text from outside, without control characters, that no spreadsheet reads as a formula.
    private static func safe(_ text: String) -> String {
        let printable = text.printable(limit: 400)
        // Spreadsheets skip spaces before a formula, and treat full-width signs like the plain ones.
        let first = printable.unicodeScalars.first { $0 != " " && $0 != "\u{A0}" }
        return first.map { "=+-@＝＋－＠".unicodeScalars.contains($0) } == true ? "'\(printable)" : printable
    }

    private static func number(_ value: Int?) -> String { value.map(String.init) ?? "" }

    /// Six decimals at most, no exponent; empty if it is not finite or too large for that.
    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        if value == value.rounded(), value.magnitude < 9e15 { return String(Int(value)) }
        let places = value.magnitude < 1e6 ? 6 : value.magnitude < 9e12 ? 3 : 0
        var text = Quantity.fixed(value, decimals: places)
        guard text != Quantity.missing else { return "" }
        guard text.utf8.contains(UInt8(ascii: ".")) else { return text }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }
}
