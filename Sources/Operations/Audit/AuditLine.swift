internal import Crypto
internal import StrictJSON

/// One line of the log: a record with its place in the chain.
///
///     {"timestamp":…,"event_type":…,"seq":…,"prev_hash":…, and the fields of the log's layout}
///
/// Every name is always present, in this order, `null` if it does not apply. `seq` counts from 1. `prev_hash` is the
/// SHA-256 of the whole previous line, without its newline, in lower-case hexadecimal; 64 zeros in the first line.
package struct AuditLine: Equatable, Sendable {
    /// Longest line with its newline, in bytes. A record has some hundred bytes; the bound limits the memory of
    /// readers.
    package static let maximumLength = 65_536
    /// Highest `seq`: every JSON parser keeps integers exact up to here (RFC 8259, 6), and one more is still a valid
    /// number.
    static let maximumSequence: Int64 = (1 << 53) - 1
    /// `prev_hash` of the first line.
    package static let noHash = String(repeating: "0", count: 64)

    package var sequence: Int64
    package var previousHash: String
    package var record: AuditRecord
    package var layout: AuditLayout

    package struct Malformed: Error, Equatable {
        /// Completes "line 7 …".
        package var problem: String
    }

    /// - Parameter layout: has every field of `record`, of the same kind.
    package init(sequence: Int64, previousHash: String, record: AuditRecord, layout: AuditLayout) {
        self.sequence = sequence
        self.previousHash = previousHash
        self.record = record
        self.layout = layout
    }

    /// The `prev_hash` of the line after `bytes` (without newline).
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
        var members: [JSONValue.Member] = [
            .init("timestamp", .string(record.timestamp.description)),
            .init("event_type", .string(record.eventType)),
            .init("seq", .integer(sequence)),
            .init("prev_hash", .string(previousHash)),
        ]
        for field in layout.fields { members.append(.init(field.name, AuditLine.json(record[field: field.name]))) }
        JSONValue.object(members).append(to: &bytes)
        return bytes
    }

    private static func json(_ field: AuditRecord.Field?) -> JSONValue {
        switch field {
        case nil: .null
        case .text(let text): .string(text)
        case .integer(let number): .integer(number)
        case .parameters(let params): json(params)
        }
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
