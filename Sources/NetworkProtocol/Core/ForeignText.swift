internal import Operations

/// Text that a peer chose, as errors and logs may quote it.
enum ForeignText {
    /// The first `most` scalars, with a question mark for each that could disturb a terminal or reorder a line. Scalars are counted,
    /// not characters: of those one may have as many scalars as it likes.
    static func shown(_ text: String, most: Int) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(most).map { $0.isHazardousInText ? "?" : $0 }))
    }
}
