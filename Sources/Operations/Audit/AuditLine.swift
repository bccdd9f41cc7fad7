import Crypto

/// One line of the log: a record with its place in the chain.
///
///     {"timestamp":…,"event_type":…,"seq":…,"prev_hash":…,"peer_id":…,"endpoint_id":…,"test_id":…,"test_type":…,
///      "params":…,"decision":…,"reason":…,"bytes_sent":…,"bytes_received":…,"duration_ms":…,"pid":…,"exit_code":…}
///
/// Every name is always there, in this order, `null` when it does not apply. `seq` counts from 1. `prev_hash` is the SHA-256
/// of the whole line before, without its newline, in lower-case hexadecimal; 64 zeros for the first.
package struct AuditLine: Equatable, Sendable {
    /// Longest line with its newline, bytes. A record is some hundred bytes; the bound keeps readers' memory bounded.
    package static let maximumLength = 65_536
    /// Highest `seq`: every reader of JSON tells whole numbers up to here apart (RFC 8259, 6), and one more is still a number.
    static let maximumSequence: Int64 = (1 << 53) - 1
    /// `prev_hash` of the first line.
    package static let noHash = String(repeating: "0", count: 64)

    package var sequence: Int64
    package var previousHash: String
    package var record: AuditRecord

    package struct Malformed: Error, Equatable {
        /// Completes "line 7 …".
        package var problem: String
    }

    package init(sequence: Int64, previousHash: String, record: AuditRecord) {
        self.sequence = sequence
        self.previousHash = previousHash
        self.record = record
    }

    /// The `prev_hash` that the line after `bytes` (without newline) must carry.
    package static func hash(of bytes: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in SHA256.hash(data: bytes) {
            text.append(hexadecimalDigit(byte >> 4))
            text.append(hexadecimalDigit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The line without its newline.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(640)
        JSONValue.object([
            .init("timestamp", .string(record.timestamp.description)),
            .init("event_type", .string(record.eventType)),
            .init("seq", .integer(sequence)),
            .init("prev_hash", .string(previousHash)),
            .init("peer_id", .init(optional: record.peerID)),
            .init("endpoint_id", .init(optional: record.endpointID)),
            .init("test_id", .init(optional: record.testID)),
            .init("test_type", .init(optional: record.testType)),
            .init("params", record.params.map(AuditLine.json) ?? .null),
            .init("decision", .init(optional: record.decision)),
            .init("reason", .init(optional: record.reason)),
            .init("bytes_sent", .init(optional: record.bytesSent)),
            .init("bytes_received", .init(optional: record.bytesReceived)),
            .init("duration_ms", .init(optional: record.durationMS)),
            .init("pid", .init(optional: record.pid)),
            .init("exit_code", .init(optional: record.exitCode)),
        ]).append(to: &bytes)
        return bytes
    }

    private static func json(_ params: [String: AuditRecord.Value]) -> JSONValue {
        .object(
            params.sorted { $0.key < $1.key }.map { name, value in
                switch value {
                case .string(let text): .init(name, .string(text))
                case .integer(let number): .init(name, .integer(number))
                case .number(let number): .init(name, .number(number))
                case .boolean(let flag): .init(name, .boolean(flag))
                }
            }
        )
    }
}
