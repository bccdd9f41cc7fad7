internal import StrictJSON

extension AuditLine {
    /// Parses a line (without its newline), in exactly the form that `encoded()` writes.
    package init(parsing bytes: ArraySlice<UInt8>, layout: AuditLayout) throws(Malformed) {
        if bytes.isEmpty { throw Malformed(problem: "is empty") }
        let value: JSONValue
        do throws(JSONParser.Malformed) {
            value = try JSONParser.parse(bytes)
        } catch { throw Malformed(problem: "is not JSON: \(error)") }
        guard case .object(let members) = value else { throw Malformed(problem: "is not a JSON object") }
        guard members.map(\.name) == layout.names else {
            throw Malformed(problem: AuditLine.difference(members.map(\.name), from: layout.names))
        }
        var fields = AuditFields(members)
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
        self.layout = layout
        record = AuditRecord(eventType, timestamp: moment)
        for field in layout.fields {
            switch field.kind {
            case .text: record[text: field.name] = try fields.text()
            case .integer: record[integer: field.name] = try fields.integer()
            case .parameters: record[parameters: field.name] = try fields.parameters()
            }
        }
        // A record has one valid encoding; anything else was not written by us.
        if encoded()[...] != bytes { throw Malformed(problem: "is not in the form that the log writes") }
    }

    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private static func difference(_ found: [String], from names: [String]) -> String {
        if let missing = names.first(where: { !found.contains($0) }) { return "has no \(missing)" }
        if let foreign = found.first(where: { !names.contains($0) }) {
            return "has the unknown name \(JSONValue.excerpt(of: foreign))"
        }
        return "has its names in the wrong order"
    }
}

/// Takes the values of a line one by one.
private struct AuditFields {
    private var members: ArraySlice<JSONValue.Member>

    init(_ members: [JSONValue.Member]) { self.members = members[...] }

    private mutating func take() -> (name: String, value: JSONValue) {
        // As many values as the layout has names.
        guard let member = members.popFirst() else { return ("", .null) }
        return (member.name, member.value)
    }

    mutating func text() throws(AuditLine.Malformed) -> String? {
        switch take() {
        case (_, .null): return nil
        case (_, .string(let text)): return text
        case (let name, _): throw .init(problem: "has a \(name) that is neither a string nor null")
        }
    }

    mutating func integer() throws(AuditLine.Malformed) -> Int64? {
        switch take() {
        case (_, .null): return nil
        case (_, .integer(let number)): return number
        case (let name, _): throw .init(problem: "has a \(name) that is neither an integer nor null")
        }
    }

    mutating func parameters() throws(AuditLine.Malformed) -> [String: AuditRecord.Value]? {
        let found: [JSONValue.Member]
        switch take() {
        case (_, .null): return nil
        case (_, .object(let members)): found = members
        case (let name, _): throw .init(problem: "has \(name) that are neither an object nor null")
        }
        var params: [String: AuditRecord.Value] = [:]
        for member in found {
            switch member.value {
            case .string(let text): params[member.name] = .string(text)
            case .integer(let number): params[member.name] = .integer(number)
            case .number(let number): params[member.name] = .number(number)
            case .boolean(let flag): params[member.name] = .boolean(flag)
            case .null, .array, .object:
                throw .init(problem: "has a parameter that is neither a string, a number nor a boolean")
            }
        }
        return params
    }
}
