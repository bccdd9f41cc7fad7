/// A signed statement of how far the log had come, stored in `<log>.checkpoint`. Without it, a chain whose last lines
/// were removed would look whole.
///
/// The file has two slots of 4096 bytes, one disk block each, written in turn, so a crash while one is written leaves
/// the other. A slot is one line of text, padded with spaces, with the newline at the end:
///
///     outpost-audit-checkpoint 2 NUMBER SEQ OFFSET HASH ENDPOINT-ID SIGNATURE
///
/// NUMBER grows with each checkpoint, and its lowest bit is its slot, so the older slot cannot be copied over the newer
/// one. OFFSET is the length of the log in bytes after line SEQ. HASH is that line's SHA-256 (64 zeros while SEQ is 0).
/// SIGNATURE, in hexadecimal, covers everything before the space in front of it.
package struct AuditCheckpoint: Equatable, Sendable {
    package static let slotLength = 4096
    package static let slots = 2
    /// Highest number, far below overflow; no writer comes near it.
    package static let maximumNumber = Int64.max / 2
    private static let title = "outpost-audit-checkpoint 2"

    /// From 0; only the very first checkpoint of a log may stand alone.
    package var number: Int64
    package var sequence: Int64
    package var offset: Int64
    package var hash: String
    package var endpointID: String

    package init(number: Int64, sequence: Int64, offset: Int64, hash: String, endpointID: String) {
        self.number = number
        self.sequence = sequence
        self.offset = offset
        self.hash = hash
        self.endpointID = endpointID
    }

    package static func path(ofLog path: String) -> String { path + ".checkpoint" }

    /// Index of the checkpoint's slot.
    var slotIndex: Int { Int(number & 1) }

    /// The signed part.
    package var message: [UInt8] {
        Array("\(AuditCheckpoint.title) \(number) \(sequence) \(offset) \(hash) \(endpointID)".utf8)
    }

    /// The slot's bytes; nil if the parts do not fit.
    func slot(signature: [UInt8]) -> [UInt8]? {
        let isPlain = endpointID.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard isPlain, (1...128).contains(endpointID.utf8.count), (1...256).contains(signature.count) else {
            return nil
        }
        var bytes = message
        bytes.append(UInt8(ascii: " "))
        for byte in signature {
            bytes.append(AuditLine.hexadecimalDigit(byte >> 4))
            bytes.append(AuditLine.hexadecimalDigit(byte & 15))
        }
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: AuditCheckpoint.slotLength - 1 - bytes.count))
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// Reads a slot and checks its signature; nil if it is empty, torn or not signed by a trusted key.
    init?(slot: ArraySlice<UInt8>, verify: (String, [UInt8], [UInt8]) -> Bool) {
        guard slot.count == AuditCheckpoint.slotLength, slot.last == UInt8(ascii: "\n") else { return nil }
        var content = slot.dropLast()
        while content.last == UInt8(ascii: " ") { content.removeLast() }
        guard let text = String(validating: content, as: UTF8.self) else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 8, "\(words[0]) \(words[1])" == AuditCheckpoint.title,
            let number = Int64(words[2]), (0...AuditCheckpoint.maximumNumber).contains(number),
            let sequence = Int64(words[3]), (0...AuditLine.maximumSequence).contains(sequence),
            let offset = Int64(words[4]), offset >= 0,
            AuditLine.isHash(String(words[5])), (1...128).contains(words[6].utf8.count),
            let signature = AuditCheckpoint.bytes(hexadecimal: words[7])
        else { return nil }
        self.init(
            number: number,
            sequence: sequence,
            offset: offset,
            hash: String(words[5]),
            endpointID: String(words[6])
        )
        // The message is rebuilt: a number in another format is not what was signed.
        guard verify(endpointID, message, signature) else { return nil }
    }

    private static func bytes(hexadecimal text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0, (2...512).contains(digits.count) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The content of a checkpoint file.
    enum Reading: Equatable {
        /// The file does not exist or is empty.
        case missing
        /// There is content, but no slot is whole and signed by a trusted key.
        case unreadable
        /// One slot is valid. The other is not what a writer leaves there, and may have been the newer one.
        case damaged(AuditCheckpoint)
        /// The newest checkpoint; both slots are valid.
        case found(AuditCheckpoint)
    }

    static func newest(in bytes: [UInt8], verify: (String, [UInt8], [UInt8]) -> Bool) -> Reading {
        if bytes.isEmpty { return .missing }
        var good: [AuditCheckpoint] = []
        for index in 0..<slots {
            let start = index * slotLength
            guard bytes.count >= start + slotLength,
                let checkpoint = AuditCheckpoint(slot: bytes[start..<start + slotLength], verify: verify),
                checkpoint.slotIndex == index
            else { continue }
            good.append(checkpoint)
        }
        guard let newest = good.max(by: { $0.number < $1.number }) else { return .unreadable }
        // A new log has one slot for a moment; later, the invalid slot may have been the newer one.
        return good.count == slots || newest.number == 0 ? .found(newest) : .damaged(newest)
    }
}
