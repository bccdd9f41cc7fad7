/// Most bytes of the texts that a peer sends. A frame may be a MiB, and what is done with a text afterwards, on an event loop
/// or under a lock, must not take as long as that.
enum LinkText {
    static let maximumVersionLength = 32
    /// The longest name of a feature that is kept.
    static let maximumFeatureLength = 64
    /// Those that are handed out have 32.
    static let maximumTokenLength = 128
    static let maximumTestIDLength = LinkEnvelope.maximumRequestIDLength
    /// More than is kept of it.
    static let maximumLabelLength = 1_024
    static let maximumIperfVersionLength = 128

    /// Says which rule a text broke, and nothing of the text: it may be a secret.
    struct TooLong: Error, CustomStringConvertible {
        let limit: Int

        var description: String { "longer than \(limit) bytes" }
    }
}

extension KeyedDecodingContainer {
    /// A text of at most `limit` bytes.
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
