internal import StrictJSON

/// The strict JSON reader.
enum JSONProperties {
    /// A value that is read is written, on one line and over lines, as text that reads the same and holds nothing that
    /// moves a cursor; what the strict reader takes the lenient one takes, too.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        let value: JSONValue
        do throws(JSONParser.Malformed) {
            value = try JSONParser.parse(bytes[...])
        } catch {
            try require((0...bytes.count).contains(error.offset), "the error is at byte \(error.offset)")
            try ErrorText.check(error)
            _ = try? JSONParser.parse(bytes[...], allowsRepeatedNames: true)
            return
        }
        try require(
            (try? JSONParser.parse(bytes[...], allowsRepeatedNames: true)) == value,
            "the lenient reader reads another value"
        )
        for text in [value.text, value.prettyText] {
            try require((try? JSONParser.parse(text)) == value, "what was written is read as another value")
        }
        try require(!value.text.unicodeScalars.contains(where: \.isHazardousInText), "the text could move a cursor")
    }
}
