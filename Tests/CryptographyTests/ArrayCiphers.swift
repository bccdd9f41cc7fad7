internal import Cryptography

extension XChaCha20Poly1305 {
    /// Ciphertext ‖ tag, in an array of its own.
    static func sealed(_ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], header: [UInt8]) -> [UInt8] {
        var bytes = plaintext + [UInt8](repeating: 0xee, count: tagLength)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        seal(&raw, key: key, nonce: nonce, authenticating: header.span.bytes)
        return bytes
    }

    /// The plaintext, nil when not authentic.
    static func opened(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], header: [UInt8]) -> [UInt8]? {
        var bytes = sealed
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        return open(&raw, key: key, nonce: nonce, authenticating: header.span.bytes)
            ? Array(bytes.dropLast(tagLength)) : nil
    }
}

extension RecordCipher {
    /// Ciphertext ‖ tag, in an array of its own.
    mutating func sealed(_ plaintext: [UInt8], counter: UInt64, header: [UInt8]) -> [UInt8] {
        var bytes = plaintext + [UInt8](repeating: 0xee, count: Self.tagLength)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        seal(&raw, counter: counter, authenticating: header.span.bytes)
        return bytes
    }

    /// The plaintext, nil when not authentic.
    mutating func opened(_ sealed: [UInt8], counter: UInt64, header: [UInt8]) -> [UInt8]? {
        var bytes = sealed
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        return open(&raw, counter: counter, authenticating: header.span.bytes)
            ? Array(bytes.dropLast(Self.tagLength)) : nil
    }

    /// The nonce of a record: its prefix, then the counter, little-endian.
    static func nonce(prefix: [UInt8], counter: UInt64) -> [UInt8] {
        prefix + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * UInt64($0))) }
    }
}
