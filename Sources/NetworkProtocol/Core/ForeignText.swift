internal import StrictJSON

/// Quotes text that a peer chose in errors and logs.
enum ForeignText {
    /// The first `most` scalars, with a question mark for each that could disturb a terminal or reorder a line. Scalars
    /// are counted, not characters: one character may have any number of scalars.
    static func shown(_ text: String, most: Int) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(most).map { $0.isHazardousInText ? "?" : $0 }))
    }
}
