internal import StrictJSON

/// A message in JSON as serde writes it: `"Ping"`, `{"Echo":"hello"}`,
/// `{"Custom":{"command":"greet","payload":[104,105]}}`.
///
/// Bytes are parsed straight into an array: a tree of their numbers would take many times a hostile payload's length.
enum JSONMessage {
    static func write(_ message: Message, to bytes: inout [UInt8]) {
        let shape = MessageShape.all[message.index]
        let values = message.values
        switch shape.content {
        case .unit: JSONValue.append(quoted: shape.name, to: &bytes)
        case .single:
            open(shape.name, &bytes)
            write(values[0], to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        case .fields(let fields):
            open(shape.name, &bytes)
            for (index, field) in fields.enumerated() {
                bytes.append(UInt8(ascii: index == 0 ? "{" : ","))
                JSONValue.append(quoted: field.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                write(values[index], to: &bytes)
            }
            bytes += "}}".utf8
        }
    }

    private static func open(_ name: String, _ bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        JSONValue.append(quoted: name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    private static func write(_ value: MessageShape.Value, to bytes: inout [UInt8]) {
        switch value {
        case .text(let text): JSONValue.append(quoted: text, to: &bytes)
        case .unsigned(let number): bytes += String(number).utf8
        case .bytes(let content):
            bytes.append(UInt8(ascii: "["))
            for (index, byte) in content.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                if byte >= 100 { bytes.append(UInt8(ascii: "0") + byte / 100) }
                if byte >= 10 { bytes.append(UInt8(ascii: "0") + byte / 10 % 10) }
                bytes.append(UInt8(ascii: "0") + byte % 10)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }

    static func read(_ payload: [UInt8], from start: Int) throws(MessageError) -> Message {
        var reader = JSONParser(payload[start...])
        do {
            let message = try read(&reader)
            reader.skipSpace()
            if reader.next != nil { throw reader.malformed("something follows the message") }
            return message
        } catch let error as MessageError {
            throw error
        } catch let error as JSONParser.Malformed {
            throw .malformed(offset: start + error.offset, expected: "JSON of a message (\(error.problem))")
        } catch {
            throw .malformed(offset: start, expected: "JSON of a message")
        }
    }

    private static func read(_ reader: inout JSONParser) throws -> Message {
        reader.skipSpace()
        if reader.next == UInt8(ascii: "\"") {
            guard let (shape, message) = try unit(named: try reader.string()) else { return .unknown }
            guard let message else { throw reader.malformed("\(shape.name) carries something") }
            return message
        }
        try take("{", &reader)
        let name = try reader.string()
        try take(":", &reader)
        guard let shape = try MessageShape.expected(name) else {
            try reader.skipValue()
            try take("}", &reader)
            return .unknown
        }
        let values: [MessageShape.Value]
        switch shape.content {
        case .unit: throw reader.malformed("\(shape.name) carries nothing")
        case .single(let kind): values = [try value(kind, &reader)]
        case .fields(let fields): values = try read(fields, &reader)
        }
        try take("}", &reader)
        guard let message = Message(shape, values) else { throw reader.malformed("a number is too large") }
        return message
    }

    /// The shape with this name, and its message if it carries nothing; nil for one of a later version.
    static func unit(named name: String) throws(MessageError) -> (MessageShape, Message?)? {
        try MessageShape.expected(name).map { ($0, Message($0, [])) }
    }

    private static func read(
        _ fields: [(name: String, kind: MessageShape.Kind)],
        _ reader: inout JSONParser
    ) throws -> [MessageShape.Value] {
        var values = [MessageShape.Value?](repeating: nil, count: fields.count)
        try take("{", &reader)
        for position in fields.indices {
            if position > 0 { try take(",", &reader) } else { reader.skipSpace() }
            reader.skipSpace()
            let name = try reader.string()
            guard let index = fields.firstIndex(where: { $0.name == name }), values[index] == nil else {
                throw reader.malformed("a name is unknown or occurs twice")
            }
            try take(":", &reader)
            values[index] = try value(fields[index].kind, &reader)
        }
        try take("}", &reader)
        return values.compactMap(\.self)
    }

    private static func value(_ kind: MessageShape.Kind, _ reader: inout JSONParser) throws -> MessageShape.Value {
        reader.skipSpace()
        switch kind {
        case .text: return .text(try reader.string())
        case .unsigned64: return .unsigned(try reader.unsigned())
        case .unsigned32:
            let number = try reader.unsigned()
            guard number <= UInt32.max else { throw reader.malformed("a number is too large") }
            return .unsigned(number)
        case .bytes: return .bytes(try bytes(&reader))
        case .fixedBytes(let count):
            let bytes = try bytes(&reader)
            guard bytes.count == count else { throw reader.malformed("\(count) bytes are expected") }
            return .bytes(bytes)
        }
    }

    private static func bytes(_ reader: inout JSONParser) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try take("[", &reader)
        reader.skipSpace()
        if reader.take(UInt8(ascii: "]")) { return [] }
        while true {
            reader.skipSpace()
            guard let byte = UInt8(exactly: try reader.unsigned()) else {
                throw reader.malformed("a byte is a number from 0 to 255")
            }
            bytes.append(byte)
            reader.skipSpace()
            if reader.take(UInt8(ascii: "]")) { return bytes }
            try take(",", &reader)
        }
    }

    private static func take(_ symbol: Unicode.Scalar, _ reader: inout JSONParser) throws {
        reader.skipSpace()
        guard reader.take(UInt8(ascii: symbol)) else { throw reader.malformed("'\(symbol)' is expected") }
        reader.skipSpace()
    }
}
