/// An examination of which no part was measured, and why.
package struct NothingMeasured: Error, CustomStringConvertible {
    /// One part of an examination that failed.
    package struct Part: Sendable {
        package var name: String
        package var error: any Error
    }

    /// In the order in which they were tried.
    package let parts: [Part]

    /// Whether the reflector refused every part; otherwise something else went wrong in one of them at least.
    package var isDenied: Bool {
        parts.allSatisfy { part in
            switch part.error {
            case LinkClientError.denied, LinkClientError.wrongMode: true
            default: false
            }
        }
    }

    /// The reason alone where all parts share it, else a line for each part.
    package var description: String {
        let reasons = parts.map { "\($0.error)" }
        if let only = reasons.first, Set(reasons).count == 1 { return "nothing was measured: \(only)" }
        return (["nothing was measured, so nothing is kept:"] + zip(parts, reasons).map { "  \($0.name): \($1)" })
            .joined(separator: "\n")
    }
}
