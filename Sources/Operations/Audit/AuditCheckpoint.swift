/// A signed statement of how far the log had come, kept in `<log>.checkpoint`: without it, the removal of the last lines
/// would leave a chain that looks whole.
///
/// The file has two slots of 4096 bytes, one disk block each, written in turn, so a crash while one is written leaves the
/// other. A slot is one line of text, filled with spaces, the newline last:
///
///     outpost-audit-checkpoint 2 NUMBER SEQ OFFSET HASH ENDPOINT-ID SIGNATURE
///
/// NUMBER grows with each checkpoint, and its lowest bit is the slot that it stands in: the older slot cannot be copied
/// over the newer one. OFFSET is the length of the log in bytes after line SEQ; HASH is that line's SHA-256 (64 zeros while
/// SEQ is 0); SIGNATURE, in hexadecimal, covers everything before the space in front of it.
package struct AuditCheckpoint: Equatable, Sendable {
    package static let slotLength = 4096
    package static let slots = 2
    /// Highest number, far from where adding to it would trap: no writer comes near.
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

    /// Index of the slot that the checkpoint stands in.
    var slotIndex: Int { Int(number & 1) }

    /// What is signed.
    package var message: [UInt8] {
        Array("\(AuditCheckpoint.title) \(number) \(sequence) \(offset) \(hash) \(endpointID)".utf8)
    }

    /// The slot's bytes; nil when the parts do not fit into one.
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

    /// Reads a slot and checks its signature; nil when it is empty, torn or not signed by whom it must.
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
        // The message is built anew: a number written in another way would not be what was signed.
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

    /// What a checkpoint file says.
    enum Reading: Equatable {
        /// The file is not there or empty.
        case missing
        /// There is something, and no slot of it is whole and rightly signed.
        case unreadable
        /// One slot is good, and the other, which may have been the newer one, is not what a writer leaves there.
        case spoilt(AuditCheckpoint)
        /// The newest checkpoint; both slots are good.
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
        // A new log has one slot for a moment; later the one that is not good may have been the newer one.
        return good.count == slots || newest.number == 0 ? .found(newest) : .spoilt(newest)
    }
}
