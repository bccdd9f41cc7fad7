internal import FoundationEssentials

/// Reads stored examinations.
package enum JSONReport {
    /// The largest examination: 600 points, 1 000 intervals and 34 bins in each of its parts are below 1 MiB.
    package static let mostBytes = 4 * 1024 * 1024

    /// Decodes an examination. Throws a `DecodingError` that names the wrong member.
    package static func examination(_ json: [UInt8]) throws -> Examination {
        guard json.count <= mostBytes else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: [],
                    debugDescription: "invalid examination of \(json.count) bytes: must be at most \(mostBytes)"
                )
            )
        }
        return try JSONDecoder().decode(Examination.self, from: Data(json))
    }
}
