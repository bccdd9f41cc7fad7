internal import StrictJSON

/// Text that a peer chose, for errors and logs.
enum UntrustedText {
    /// The first `limit` scalars, with a question mark for each that could disturb a terminal or reorder a line.
    /// Scalars are counted, not characters: one character may have any number of scalars.
    static func sanitized(_ text: String, limit: Int) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit).map { $0.isHazardousInText ? "?" : $0 }))
    }
}
