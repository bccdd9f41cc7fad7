/// An examination without any measured part, and why.
package struct NothingMeasured: Error, CustomStringConvertible {
    /// One part of an examination that failed.
    package struct Part: Sendable {
        package var name: String
        package var error: any Error
    }

    /// In the order in which they were tried.
    package let parts: [Part]

    /// Whether the reflector denied every part; otherwise at least one failed for another reason.
    package var isDenied: Bool {
        parts.allSatisfy { part in
            switch part.error {
            case LinkClientError.denied, LinkClientError.wrongMode: true
            default: false
            }
        }
    }

    /// The reason alone if all parts share it, else a line for each part.
    package var description: String {
        let reasons = parts.map { "\($0.error)" }
        if let only = reasons.first, Set(reasons).count == 1 { return "nothing was measured: \(only)" }
        return (["nothing was measured, so nothing is kept:"] + zip(parts, reasons).map { "  \($0.name): \($1)" })
            .joined(separator: "\n")
    }
}
