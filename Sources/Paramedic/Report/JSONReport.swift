import FoundationEssentials

/// Examinations that are read back.
package enum JSONReport {
    /// The most an examination may have: 600 points, 1 000 intervals and 34 bins in each of its parts are below 1 MiB.
    package static let mostBytes = 4 * 1024 * 1024

    /// Reads an examination back. Throws a `DecodingError` that names the member that is wrong.
    package static func examination(_ json: [UInt8]) throws -> Examination {
        guard json.count <= mostBytes else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: [],
                    debugDescription: "an examination of \(json.count) bytes; at most \(mostBytes) are read"
                )
            )
        }
        return try JSONDecoder().decode(Examination.self, from: Data(json))
    }
}
