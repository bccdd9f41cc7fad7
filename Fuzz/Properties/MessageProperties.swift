internal import NetworkProtocol

/// The payload of a packet, opened and decompressed.
enum MessageProperties {
    /// Bytes that a message in bincode has beside what it carries, at most.
    private static let envelope = 64

    /// What is read can be written in every format with the same meaning; bincode has one spelling only; nothing is
    /// read out of the bytes that is not there; what cannot be read is complained of in a short sentence.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        let message: Message
        let format: MessageFormat
        do throws(MessageError) { (message, format) = try Message.read(bytes) } catch {
            return try ErrorText.check(error)
        }
        // Compared by their bytes: texts that are canonically equivalent are equal to Swift, and are not the same.
        let plain = message.payload(in: .bincode)
        try require(plain.count == message.bincodeLength, "the length in bincode is wrong")
        try require(
            plain.count <= 2 * bytes.count + envelope,
            "\(bytes.count) bytes became a message of \(plain.count)"
        )
        // What a later version said is read as unknown, and is not said again.
        if format == .bincode, message != .unknown {
            try require(
                plain == bytes || [MessageFormat.bincode.rawValue] + plain == bytes,
                "bincode has two spellings"
            )
        }
        for other in MessageFormat.allCases {
            let payload = message.payload(in: other)
            let again: (message: Message, format: MessageFormat)
            do throws(MessageError) { again = try Message.read(payload) } catch {
                throw PropertyBroken("what was written in \(other) cannot be read: \(error)")
            }
            try require(again.format == other, "what was written in \(other) is read as \(again.format)")
            try require(again.message.payload(in: .bincode) == plain, "\(other) says another message")
            try require(again.message.payload(in: other) == payload, "\(other) is not written the same again")
        }
    }
}
