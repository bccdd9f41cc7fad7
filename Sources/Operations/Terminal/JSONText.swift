internal import FoundationEssentials

/// Results as JSON with sorted keys, so that two runs can be compared line by line.
package enum JSONText {
    /// Indented by two spaces, with a newline at the end. Throws an `EncodingError` for a number that is not finite.
    package static func pretty(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // The encoder writes UTF-8; nothing is repaired here.
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// One line without a newline, for a database or a stream. Throws like ``pretty(_:)``.
    package static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
