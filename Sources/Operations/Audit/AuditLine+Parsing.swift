extension AuditLine {
    static let names = [
        "timestamp", "event_type", "seq", "prev_hash", "peer_id", "endpoint_id", "test_id", "test_type", "params",
        "decision", "reason", "bytes_sent", "bytes_received", "duration_ms", "pid", "exit_code",
    ]

    /// Reads a line (without its newline) exactly as `encoded()` writes it.
    package init(parsing bytes: ArraySlice<UInt8>) throws(Malformed) {
        if bytes.isEmpty { throw Malformed(problem: "is empty") }
        let value: JSONValue
        do throws(JSONParser.Malformed) {
            value = try JSONParser.parse(bytes)
        } catch { throw Malformed(problem: "is not JSON: \(error)") }
        guard case .object(let members) = value else { throw Malformed(problem: "is not a JSON object") }
        guard members.map(\.name) == AuditLine.names else {
            throw Malformed(problem: AuditLine.difference(members.map(\.name)))
        }
        var fields = AuditFields(values: members.map(\.value))
        let timestamp = try fields.text()
        guard let timestamp, let moment = Timestamp(timestamp), moment.description == timestamp else {
            throw Malformed(problem: "has a timestamp that is not RFC 3339 in UTC with microseconds")
        }
        guard let eventType = try fields.text() else { throw Malformed(problem: "has no event_type") }
        guard let sequence = try fields.integer(), sequence > 0, sequence <= AuditLine.maximumSequence else {
            throw Malformed(problem: "has no seq of 1 to \(AuditLine.maximumSequence)")
        }
        guard let previousHash = try fields.text(), AuditLine.isHash(previousHash) else {
            throw Malformed(problem: "has a prev_hash that is not 64 hexadecimal digits")
        }
        self.sequence = sequence
        self.previousHash = previousHash
        record = AuditRecord(eventType, timestamp: moment)
        record.peerID = try fields.text()
        record.endpointID = try fields.text()
        record.testID = try fields.text()
        record.testType = try fields.text()
        record.params = try fields.params()
        record.decision = try fields.text()
        record.reason = try fields.text()
        record.bytesSent = try fields.integer()
        record.bytesReceived = try fields.integer()
        record.durationMS = try fields.integer()
        record.pid = try fields.integer()
        record.exitCode = try fields.integer()
        // There is one way to write a record; anything else was not written by us.
        if encoded()[...] != bytes { throw Malformed(problem: "is not written the way the log writes it") }
    }

    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private static func difference(_ found: [String]) -> String {
        if let missing = names.first(where: { !found.contains($0) }) { return "has no \(missing)" }
        if let foreign = found.first(where: { !names.contains($0) }) {
            return "has the unknown name \(JSONValue.excerpt(of: foreign))"
        }
        return "has its names in another order"
    }
}

/// Takes the values of a line one by one, in the order of `AuditLine.names`.
private struct AuditFields {
    let values: [JSONValue]
    private var index = 0

    init(values: [JSONValue]) { self.values = values }

    private mutating func take() -> (name: String, value: JSONValue) {
        defer { index += 1 }
        return (AuditLine.names[index], values[index])
    }

    mutating func text() throws(AuditLine.Malformed) -> String? {
        switch take() {
        case (_, .null): return nil
        case (_, .string(let text)): return text
        case (let name, _): throw .init(problem: "has a \(name) that is neither text nor null")
        }
    }

    mutating func integer() throws(AuditLine.Malformed) -> Int64? {
        switch take() {
        case (_, .null): return nil
        case (_, .integer(let number)): return number
        case (let name, _): throw .init(problem: "has a \(name) that is neither a whole number nor null")
        }
    }

    mutating func params() throws(AuditLine.Malformed) -> [String: AuditRecord.Value]? {
        let members: [JSONValue.Member]
        switch take().value {
        case .null: return nil
        case .object(let found): members = found
        default: throw .init(problem: "has params that are neither an object nor null")
        }
        var params: [String: AuditRecord.Value] = [:]
        for member in members {
            switch member.value {
            case .string(let text): params[member.name] = .string(text)
            case .integer(let number): params[member.name] = .integer(number)
            case .number(let number): params[member.name] = .number(number)
            case .boolean(let flag): params[member.name] = .boolean(flag)
            case .null, .array, .object:
                throw .init(problem: "has a parameter that is neither text, a number nor a boolean")
            }
        }
        return params
    }
}
