internal import StrictJSON

/// What an error says must be something, not endless, and fit for a terminal: it may quote what came from outside.
enum ErrorText {
    /// Bytes of a long sentence that quotes a value or two of 60 scalars, escaped.
    private static let longest = 1_024

    static func check(_ error: any Error) throws(PropertyBroken) { try check("\(error)") }

    static func check(_ text: String) throws(PropertyBroken) {
        try require(!text.isEmpty, "an error has no words")
        try require(text.utf8.count <= longest, "an error has \(text.utf8.count) bytes")
        let hazard = text.unicodeScalars.first { $0.isHazardousInText && $0 != "\n" }
        try require(hazard == nil, "an error would write U+\(String(hazard?.value ?? 0, radix: 16)) to the terminal")
    }
}
