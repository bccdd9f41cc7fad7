/// A value that is written as one of a few names.
package protocol WireName: RawRepresentable, CaseIterable, Codable, Sendable where RawValue == String {}

extension WireName {
    package init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(rawValue: name) else {
            let refused = RefusedName(name, expected: Self.allCases.map(\.rawValue).joined(separator: ", "))
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: refused.description,
                    underlyingError: refused
                )
            )
        }
        self = value
    }
}

/// An unknown name, in words that are fit for a reply: they quote little of it.
package struct RefusedName: Error, CustomStringConvertible {
    /// Most scalars of a peer's text in a reply.
    package static let quoted = 64

    package let description: String

    init(_ name: String, expected: String) {
        description = "invalid name \"\(name.printable(limit: Self.quoted))\": must be one of \(expected)"
    }

    init(unknown what: String, _ name: String) {
        description = "unknown \(what) \"\(name.printable(limit: Self.quoted))\""
    }
}
