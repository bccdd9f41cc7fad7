/// The longest strings that a peer may send. A frame may be a MiB, and processing a string afterward, on an event loop
/// or under a lock, must not take as long as that.
enum LinkText {
    static let maximumVersionLength = 32
    /// The longest feature name that is kept.
    static let maximumFeatureLength = 64
    /// Issued tokens have 32.
    static let maximumTokenLength = 128
    static let maximumTestIDLength = LinkEnvelope.maximumRequestIDLength
    /// More than is kept of it.
    static let maximumLabelLength = 1_024
    static let maximumIperfVersionLength = 128

    /// Says which rule a string broke, and nothing of the string: it may be a secret.
    struct TooLong: Error, CustomStringConvertible {
        let limit: Int

        var description: String { "too long: must be at most \(limit) bytes" }
    }
}

extension KeyedDecodingContainer {
    /// A string of at most `limit` bytes.
    func decodeText(forKey key: Key, atMost limit: Int) throws -> String {
        try checked(try decode(String.self, forKey: key), key, limit)
    }

    func decodeTextIfPresent(forKey key: Key, atMost limit: Int) throws -> String? {
        try decodeIfPresent(String.self, forKey: key).map { try checked($0, key, limit) }
    }

    private func checked(_ text: String, _ key: Key, _ limit: Int) throws -> String {
        guard text.utf8.count > limit else { return text }
        let error = LinkText.TooLong(limit: limit)
        throw DecodingError.dataCorrupted(
            DecodingError.Context(
                codingPath: codingPath + [key],
                debugDescription: error.description,
                underlyingError: error
            )
        )
    }
}
