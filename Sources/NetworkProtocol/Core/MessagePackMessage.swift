/// A message in MessagePack (msgpack/spec.md): a string for a message that carries nothing, else a map of one name to
/// the content; fields are a map of names, in any order, or an array in the order of their shape; bytes are `bin`, or
/// an array of numbers.
///
/// The encoder writes maps and `bin` in the shortest forms; the decoder accepts all equivalent forms.
enum MessagePackMessage {
    static func write(_ message: Message, to bytes: inout [UInt8]) {
        let shape = MessageShape.all[message.index]
        let values = message.values
        switch shape.content {
        case .unit: write(text: shape.name, to: &bytes)
        case .single:
            bytes.append(0x81)
            write(text: shape.name, to: &bytes)
            write(values[0], to: &bytes)
        case .fields(let fields):
            bytes.append(0x81)
            write(text: shape.name, to: &bytes)
            bytes.append(0x80 | UInt8(fields.count))
            for (field, value) in zip(fields, values) {
                write(text: field.name, to: &bytes)
                write(value, to: &bytes)
            }
        }
    }

    private static func write(_ value: MessageShape.Value, to bytes: inout [UInt8]) {
        switch value {
        case .text(let text): write(text: text, to: &bytes)
        case .unsigned(let number): write(number, to: &bytes)
        case .bytes(let content):
            write(length: content.count, codes: (0xc4, 0xc5, 0xc6), to: &bytes)
            bytes += content
        }
    }

    private static func write(text: String, to bytes: inout [UInt8]) {
        let count = text.utf8.count
        if count < 32 {
            bytes.append(0xa0 | UInt8(count))
        } else {
            write(length: count, codes: (0xd9, 0xda, 0xdb), to: &bytes)
        }
        bytes += text.utf8
    }

    private static func write(length: Int, codes: (UInt8, UInt8, UInt8), to bytes: inout [UInt8]) {
        switch length {
        case ..<0x100: append(codes.0, UInt64(length), 1, &bytes)
        case ..<0x1_0000: append(codes.1, UInt64(length), 2, &bytes)
        default: append(codes.2, UInt64(length), 4, &bytes)
        }
    }

    private static func write(_ number: UInt64, to bytes: inout [UInt8]) {
        switch number {
        case ..<0x80: bytes.append(UInt8(number))
        case ..<0x100: append(0xcc, number, 1, &bytes)
        case ..<0x1_0000: append(0xcd, number, 2, &bytes)
        case ..<0x1_0000_0000: append(0xce, number, 4, &bytes)
        default: append(0xcf, number, 8, &bytes)
        }
    }

    private static func append(_ code: UInt8, _ number: UInt64, _ count: Int, _ bytes: inout [UInt8]) {
        bytes.append(code)
        for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
    }

    static func read(_ payload: [UInt8], from start: Int) throws(MessageError) -> Message {
        var reader = ByteReader(payload, from: start)
        let message = try read(&reader)
        try reader.end()
        return message
    }

    private static func read(_ reader: inout ByteReader) throws(MessageError) -> Message {
        let offset = reader.offset
        guard try length(&reader, map) == 1 else {
            guard let (shape, message) = try JSONMessage.unit(named: try text(&reader)) else { return .unknown }
            guard let message else {
                throw .malformed(offset: offset, expected: "a map (\(shape.name) carries something)")
            }
            return message
        }
        let name = try text(&reader)
        guard let shape = try MessageShape.expected(name) else {
            try skipValue(&reader)
            return .unknown
        }
        let values: [MessageShape.Value]
        switch shape.content {
        case .unit: throw .malformed(offset: offset, expected: "a string (\(shape.name) carries nothing)")
        case .single(let kind): values = [try value(kind, &reader)]
        case .fields(let fields): values = try read(fields, &reader)
        }
        guard let message = Message(shape, values) else { throw .malformed(offset: offset, expected: shape.name) }
        return message
    }

    private static func read(
        _ fields: [(name: String, kind: MessageShape.Kind)],
        _ reader: inout ByteReader
    ) throws(MessageError) -> [MessageShape.Value] {
        let offset = reader.offset
        var values = [MessageShape.Value?](repeating: nil, count: fields.count)
        if let count = try length(&reader, array) {
            guard count == UInt64(fields.count) else {
                throw .malformed(offset: offset, expected: "an array of \(fields.count)")
            }
            for index in fields.indices { values[index] = try value(fields[index].kind, &reader) }
        } else {
            guard try length(&reader, map) == UInt64(fields.count) else {
                throw .malformed(offset: offset, expected: "a map of \(fields.count)")
            }
            for _ in fields.indices {
                let offset = reader.offset
                let name = try text(&reader)
                guard let index = fields.firstIndex(where: { $0.name == name }), values[index] == nil else {
                    throw .malformed(offset: offset, expected: "a name that is known and not yet given")
                }
                values[index] = try value(fields[index].kind, &reader)
            }
        }
        return values.compactMap(\.self)
    }

    private static func value(
        _ kind: MessageShape.Kind,
        _ reader: inout ByteReader
    ) throws(MessageError) -> MessageShape.Value {
        let offset = reader.offset
        switch kind {
        case .text: return .text(try text(&reader))
        case .unsigned64: return .unsigned(try unsigned(&reader))
        case .unsigned32:
            let number = try unsigned(&reader)
            guard number <= UInt32.max else { throw .malformed(offset: offset, expected: "a number below 2³²") }
            return .unsigned(number)
        case .bytes: return .bytes(try bytes(&reader))
        case .fixedBytes(let count):
            let bytes = try bytes(&reader)
            guard bytes.count == count else { throw .malformed(offset: offset, expected: "\(count) bytes") }
            return .bytes(bytes)
        }
    }

    private static func bytes(_ reader: inout ByteReader) throws(MessageError) -> [UInt8] {
        if let count = try length(&reader, binary) { return try reader.bytes(count) }
        let offset = reader.offset
        guard let count = try length(&reader, array) else { throw .malformed(offset: offset, expected: "bytes") }
        // An element has at least one byte, so the received bytes bound the array.
        guard count <= UInt64(reader.remaining) else { throw .truncated(offset: reader.offset, needed: count) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(count))
        for _ in 0..<count {
            let offset = reader.offset
            guard let byte = UInt8(exactly: try unsigned(&reader)) else {
                throw .malformed(offset: offset, expected: "a byte")
            }
            bytes.append(byte)
        }
        return bytes
    }

    private static func text(_ reader: inout ByteReader) throws(MessageError) -> String {
        let offset = reader.offset
        guard let count = try length(&reader, string) else { throw .malformed(offset: offset, expected: "text") }
        return try reader.text(count)
    }

    private static func unsigned(_ reader: inout ByteReader) throws(MessageError) -> UInt64 {
        let offset = reader.offset
        switch try reader.byte() {
        case let code where code < 0x80: return UInt64(code)
        case 0xcc: return try reader.bigEndian(1)
        case 0xcd: return try reader.bigEndian(2)
        case 0xce: return try reader.bigEndian(4)
        case 0xcf: return try reader.bigEndian(8)
        default: throw .malformed(offset: offset, expected: "a number that is not negative")
        }
    }

    /// Skips one value of any kind, however nested, and keeps nothing of it.
    private static func skipValue(_ reader: inout ByteReader) throws(MessageError) {
        // Values that are still to come: each has at least one byte, so there are no more of them than bytes.
        var pending: UInt64 = 1
        while pending > 0 {
            guard pending <= UInt64(reader.remaining) else {
                throw .truncated(offset: reader.offset, needed: pending)
            }
            pending -= 1
            if let count = try length(&reader, map) {
                pending += 2 * count
            } else if let count = try length(&reader, array) {
                pending += count
            } else if let count = try length(&reader, string) {
                try reader.skip(count)
            } else if let count = try length(&reader, binary) {
                try reader.skip(count)
            } else {
                try skipScalar(&reader)
            }
        }
    }

    /// A value that is no map, array, string or bytes, after its code (msgpack/spec.md, "Formats").
    private static func skipScalar(_ reader: inout ByteReader) throws(MessageError) {
        let offset = reader.offset
        switch try reader.byte() {
        // Whole numbers in their code; nil, false, true.
        case ...0x7f, 0xe0..., 0xc0, 0xc2, 0xc3: break
        case 0xcc, 0xd0: try reader.skip(1)
        case 0xcd, 0xd1: try reader.skip(2)
        case 0xce, 0xd2, 0xca: try reader.skip(4)
        case 0xcf, 0xd3, 0xcb: try reader.skip(8)
        // Extensions: a type of one byte, and the given number of bytes.
        case 0xd4: try reader.skip(1 + 1)
        case 0xd5: try reader.skip(1 + 2)
        case 0xd6: try reader.skip(1 + 4)
        case 0xd7: try reader.skip(1 + 8)
        case 0xd8: try reader.skip(1 + 16)
        case 0xc7: try reader.skip(1 + (try reader.bigEndian(1)))
        case 0xc8: try reader.skip(1 + (try reader.bigEndian(2)))
        case 0xc9: try reader.skip(1 + (try reader.bigEndian(4)))
        default: throw .malformed(offset: offset, expected: "a value")
        }
    }

    /// The codes of one kind with a length: the range that contains it, and the codes that precede it.
    private typealias Codes = (inside: ClosedRange<UInt8>?, oneByte: UInt8?, twoBytes: UInt8, fourBytes: UInt8)
    private static let map: Codes = (0x80...0x8f, nil, 0xde, 0xdf)
    private static let array: Codes = (0x90...0x9f, nil, 0xdc, 0xdd)
    private static let string: Codes = (0xa0...0xbf, 0xd9, 0xda, 0xdb)
    private static let binary: Codes = (nil, 0xc4, 0xc5, 0xc6)

    /// The length of such a value; nil, with nothing consumed, if another kind comes next.
    private static func length(_ reader: inout ByteReader, _ codes: Codes) throws(MessageError) -> UInt64? {
        guard let code = reader.peek() else { throw .truncated(offset: reader.offset, needed: 1) }
        let width: Int
        if let inside = codes.inside, inside.contains(code) {
            _ = try reader.byte()
            return UInt64(code - inside.lowerBound)
        } else if code == codes.oneByte {
            width = 1
        } else if code == codes.twoBytes {
            width = 2
        } else if code == codes.fourBytes {
            width = 4
        } else {
            return nil
        }
        _ = try reader.byte()
        return try reader.bigEndian(width)
    }
}
