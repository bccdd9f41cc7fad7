extension NoiseSymmetricState {
    /// `e`: the key as it is written goes into the message and into the hash.
    mutating func writeEphemeral(_ key: borrowing EphemeralKey, to message: inout [UInt8]) {
        message += key.written
        mixHash(key.written.span)
    }

    /// `e`, 32 bytes; returns the u-coordinate.
    mutating func readEphemeral(_ bytes: Span<UInt8>, _ encoding: EphemeralKey.Encoding) -> [UInt8] {
        mixHash(bytes)
        return encoding.decode([UInt8](copying: bytes))
    }

    /// `ee`, `es`, `se`: an agreement, nil if it is zero.
    mutating func agree(_ secret: Secret?) throws(NoiseFailure) {
        guard let secret else { throw .lowOrderPoint }
        mixKey(secret)
    }
}
