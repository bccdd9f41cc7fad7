import FoundationEssentials

/// Results as JSON: sorted keys, two-space indentation, ended by a newline, so that two runs can be compared line by line.
package enum JSONReport {
    /// The JSON of a result. Throws an `EncodingError` for a number that is not finite, which no analysis produces.
    package static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // The encoder writes UTF-8; nothing is repaired here.
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// One line of JSON, for a database or a stream.
    package static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// The most an examination may have: 600 points, 1 000 intervals and 34 bins in each of its parts are below 1 MiB.
    package static let mostBytes = 4 * 1024 * 1024

    /// Reads an examination back. Throws a `DecodingError` that names the member that is wrong.
    package static func examination(_ json: [UInt8]) throws -> Examination {
        guard json.count <= mostBytes else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: [],
                    debugDescription: "an examination of \(json.count) bytes; at most \(mostBytes) are read"
                )
            )
        }
        return try JSONDecoder().decode(Examination.self, from: Data(json))
    }
}
