extension Timestamp {
    /// Cut to milliseconds since 1970-01-01T00:00:00Z.
    package var unixMilliseconds: Int64 { microseconds / 1_000 }

    package init(unixMilliseconds: Int64) {
        let (product, isTooFar) = unixMilliseconds.multipliedReportingOverflow(by: 1_000)
        self.init(microseconds: isTooFar ? (unixMilliseconds < 0 ? .min : .max) : product)
    }

    /// RFC 3339 with three decimals: `2026-11-21T02:32:49.120Z`.
    package var rfc3339: String { String(description.prefix(23)) + "Z" }

    /// For people: `2026-11-21 02:32:49 UTC`.
    package var readable: String {
        let text = description
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
    }

    package init?(rfc3339 text: String) {
        guard text.utf8.count < 40 else { return nil }
        self.init(text)
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = Timestamp(rfc3339: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not a time such as 2026-11-21T02:32:49.120Z"
            )
        }
        self = time
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rfc3339)
    }
}
