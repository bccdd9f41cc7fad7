internal import Crypto
internal import Operations
internal import OwnThread
internal import Testing

@Suite(.ownThread) struct AuditLineTests {
    @Test func `a line has every name, in the fixed order, with null where nothing applies`() {
        let line = AuditLine(
            sequence: 1,
            previousHash: AuditLine.noHash,
            record: AuditRecord("peer_removed", timestamp: Timestamp(microseconds: 1), params: ["b": 2, "a": "x"]),
            layout: .sample
        )
        let golden =
            #"{"timestamp":"1970-01-01T00:00:00.000001Z","event_type":"peer_removed","seq":1,"prev_hash":""#
            + String(repeating: "0", count: 64)
            + #"","peer_id":null,"endpoint_id":null,"test_id":null,"test_type":null,"params":{"a":"x","b":2},"#
            + #""decision":null,"reason":null,"bytes_sent":null,"bytes_received":null,"duration_ms":null,"pid":null,"#
            + #""exit_code":null}"#
        #expect(String(decoding: line.encoded(), as: UTF8.self) == golden)
    }

    @Test func `a full record comes back as it was`() throws {
        let line = AuditLine(sequence: 7, previousHash: AuditLine.noHash, record: sampleRecord(3), layout: .sample)
        #expect(try AuditLine(parsing: line.encoded()[...], layout: .sample) == line)
    }

    @Test func `a line of one tool's layout is none of another's`() throws {
        let other = AuditLayout([
            .init("endpoint_id", .text), .init("file", .text), .init("bytes", .integer), .init("params", .parameters),
            .init("decision", .text), .init("reason", .text),
        ])
        var record = AuditRecord("file_received")
        record[text: "file"] = "a"
        record[integer: "bytes"] = 7
        let line = AuditLine(sequence: 1, previousHash: AuditLine.noHash, record: record, layout: other)
        #expect(
            String(decoding: line.encoded(), as: UTF8.self).contains(
                #""endpoint_id":null,"file":"a","bytes":7,"params":"#
            )
        )
        #expect(try AuditLine(parsing: line.encoded()[...], layout: other) == line)
        #expect(throws: AuditLine.Malformed.self) { try AuditLine(parsing: line.encoded()[...], layout: .sample) }
    }

    @Test func `every truncation of a line is refused`() {
        let bytes = AuditLine(sequence: 7, previousHash: AuditLine.noHash, record: sampleRecord(3), layout: .sample)
            .encoded()
        for length in 0..<bytes.count {
            #expect(throws: AuditLine.Malformed.self) { try AuditLine(parsing: bytes[..<length], layout: .sample) }
        }
    }

    @Test func `the same record written in another way is refused`() {
        let line = AuditLine(sequence: 7, previousHash: AuditLine.noHash, record: sampleRecord(3), layout: .sample)
        let text = String(decoding: line.encoded(), as: UTF8.self)
        let others = [
            text.replacing("\"seq\":7", with: "\"seq\": 7"), text.replacing("test-3", with: "test-\\u0033"),
            text.replacing("\"pid\":4", with: "\"pid\":4.0"), text.replacing("\"pid\":4", with: "\"pid\":\"4\""),
            text.replacing("\"pid\"", with: "\"PID\""), text + " ", " " + text,
            text.replacing("\"seq\":7", with: "\"seq\":0"), text.replacing("\"seq\":7", with: "\"seq\":null"),
            text.replacing("\"pid\":4,", with: ""), text.replacing("\"pid\":4", with: "\"pid\":4,\"pid\":4"),
            text.replacing("\"reverse\":true", with: "\"reverse\":null"),
        ]
        for other in others {
            #expect(other != text)
            #expect(throws: AuditLine.Malformed.self, "\(other)") {
                try AuditLine(parsing: Array(other.utf8)[...], layout: .sample)
            }
        }
    }

    @Test func `the hash is the SHA-256 of the line in lower-case hexadecimal`() {
        #expect(
            AuditLine.hash(of: Array("abc".utf8)[...])
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    }

    @Test func `what a peer puts into a field cannot begin a new line`() {
        let record = AuditRecord("connection_denied", reason: "a\n{\"seq\":9}\u{2028}\u{7f}\u{1b}[31m\u{202e}")
        let bytes = AuditLine(sequence: 1, previousHash: AuditLine.noHash, record: record, layout: .sample).encoded()
        #expect(!bytes.contains { $0 < 0x20 || $0 == 0x7f })
        #expect(
            (try? AuditLine(parsing: bytes[...], layout: .sample))?.record[text: "reason"] == record[text: "reason"]
        )
    }
}
