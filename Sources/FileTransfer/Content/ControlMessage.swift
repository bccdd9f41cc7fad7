internal import Cryptography

/// A message of the control stream: section 5.1 of `Docs/COURIER-PROTOCOL.md`.
package enum ControlMessage: Equatable, Sendable {
    /// Type and length.
    static let headLength = 5
    /// The longest body.
    static let mostBytes = 65_536
    static let mostValues = 1_024
    static let mostRanges = 1_024
    static let longestText = 256

    package enum Malformed: Error, Equatable, Sendable {
        case tooLong(Int)
        case unknownType(UInt8)
        case body(type: UInt8)
    }

    case offer(transfer: [UInt8], isOneFile: Bool, name: [UInt8])
    case accept
    case refuse(code: UInt32, reason: String)
    case entry(TransferEntry)
    case end(entries: UInt32, bytes: UInt64)
    case want(entry: UInt32, chunks: [Range<UInt64>])
    case values(entry: UInt32, first: UInt64, [[UInt8]])
    case root(entry: UInt32, size: UInt64, digest: [UInt8])
    case received(entry: UInt32, status: ReceivedStatus, reason: String)
    case failed(entry: UInt32, code: UInt32, reason: String)
    /// What an end signs when each entry has its result.
    case receipt(Receipt.Signed)
    /// Small files that the receiver asks for.
    case wantSmall([Range<UInt32>])
    /// Entries that the receiver has verified.
    case verified([Range<UInt32>])

    private enum Kind: UInt8 {
        case offer = 1
        case accept, refuse, entry, end, want, values, root, received, failed, receipt, wantSmall, verified
    }

    /// Type, length and body.
    package var encoded: [UInt8] {
        var message: [UInt8] = []
        write(to: &message)
        return message
    }

    /// The same, behind what is there.
    func write(to message: inout [UInt8]) {
        let start = message.count
        for _ in 0..<Self.headLength { message.append(0) }
        let kind = writeBody(to: &message)
        let length = message.count - start - Self.headLength
        precondition(length <= Self.mostBytes, "a control message has at most 65536 bytes")
        message[start] = kind.rawValue
        for index in 0..<4 {
            message[start + 1 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index))
        }
    }

    private func writeBody(to body: inout [UInt8]) -> Kind {
        switch self {
        case .offer(let transfer, let isOneFile, let name):
            body += transfer + [isOneFile ? 1 : 0] + name
            return .offer
        case .accept: return .accept
        case .refuse(let code, let reason):
            body.append(bigEndian: code)
            body += Self.text(reason)
            return .refuse
        case .entry(let entry):
            entry.write(to: &body)
            return .entry
        case .end(let entries, let bytes):
            body.append(bigEndian: entries)
            body.append(bigEndian: bytes)
            return .end
        case .want(let entry, let chunks):
            body.append(bigEndian: entry)
            for range in chunks {
                body.append(bigEndian: range.lowerBound)
                body.append(bigEndian: UInt64(range.count))
            }
            return .want
        case .values(let entry, let first, let values):
            body.append(bigEndian: entry)
            body.append(bigEndian: first)
            for value in values { body += value }
            return .values
        case .root(let entry, let size, let digest):
            body.append(bigEndian: entry)
            body.append(bigEndian: size)
            body += digest
            return .root
        case .received(let entry, let status, let reason):
            body.append(bigEndian: entry)
            body.append(status.rawValue)
            body += Self.text(reason)
            return .received
        case .failed(let entry, let code, let reason):
            body.append(bigEndian: entry)
            body.append(bigEndian: code)
            body += Self.text(reason)
            return .failed
        case .receipt(let receipt):
            body.append(bigEndian: receipt.time)
            body.append(receipt.isDurable ? 1 : 0)
            body += receipt.signature
            return .receipt
        case .wantSmall(let ranges):
            Self.write(ranges, to: &body)
            return .wantSmall
        case .verified(let ranges):
            Self.write(ranges, to: &body)
            return .verified
        }
    }

    private static func write(_ ranges: [Range<UInt32>], to body: inout [UInt8]) {
        for range in ranges {
            body.append(bigEndian: range.lowerBound)
            body.append(bigEndian: UInt32(range.count))
        }
    }

    /// Parses what a peer sent.
    package init(type: UInt8, body: [UInt8]) throws(Malformed) {
        guard let kind = Kind(rawValue: type) else { throw .unknownType(type) }
        var reader = WireReader(body.rawBytes)
        guard let message = Self.parse(kind, &reader), reader.isAtEnd else { throw .body(type: type) }
        self = message
    }

    private static func parse(_ kind: Kind, _ reader: inout WireReader) -> ControlMessage? {
        switch kind {
        case .offer:
            guard let transfer = reader.bytes(16), let flags = reader.integer(UInt8.self), reader.count <= 255 else {
                return nil
            }
            return .offer(transfer: transfer, isOneFile: flags & 1 != 0, name: reader.remainder())
        case .accept: return .accept
        case .refuse:
            guard let code = reader.integer(UInt32.self), let reason = text(&reader) else { return nil }
            return .refuse(code: code, reason: reason)
        case .entry: return TransferEntry(&reader).map { .entry($0) }
        case .end:
            guard let entries = reader.integer(UInt32.self), let bytes = reader.integer(UInt64.self) else { return nil }
            return .end(entries: entries, bytes: bytes)
        case .want: return parseWant(&reader)
        case .values: return parseValues(&reader)
        case .root:
            guard let entry = reader.integer(UInt32.self), let size = reader.integer(UInt64.self),
                let digest = reader.bytes(BLAKE3.digestLength)
            else { return nil }
            return .root(entry: entry, size: size, digest: digest)
        case .received:
            guard let entry = reader.integer(UInt32.self), let number = reader.integer(UInt8.self),
                let status = ReceivedStatus(rawValue: number), let reason = text(&reader)
            else { return nil }
            return .received(entry: entry, status: status, reason: reason)
        case .failed:
            guard let entry = reader.integer(UInt32.self), let code = reader.integer(UInt32.self),
                let reason = text(&reader)
            else { return nil }
            return .failed(entry: entry, code: code, reason: reason)
        case .receipt:
            guard let time = reader.integer(UInt64.self), let flags = reader.integer(UInt8.self), flags <= 1,
                let signature = reader.bytes(Receipt.signatureLength)
            else { return nil }
            return .receipt(Receipt.Signed(time: time, isDurable: flags == 1, signature: signature))
        case .wantSmall: return parseEntries(&reader).map { .wantSmall($0) }
        case .verified: return parseEntries(&reader).map { .verified($0) }
        }
    }

    /// Ascending ranges of entries; at least one.
    private static func parseEntries(_ reader: inout WireReader) -> [Range<UInt32>]? {
        var ranges: [Range<UInt32>] = []
        while !reader.isAtEnd {
            guard let first = reader.integer(UInt32.self), let count = reader.integer(UInt32.self),
                count > 0, ranges.count < mostRanges
            else { return nil }
            let (end, overflow) = first.addingReportingOverflow(count)
            guard !overflow else { return nil }
            ranges.append(first..<end)
        }
        return ranges.isEmpty ? nil : ranges
    }

    private static func parseWant(_ reader: inout WireReader) -> ControlMessage? {
        guard let entry = reader.integer(UInt32.self) else { return nil }
        var chunks: [Range<UInt64>] = []
        while !reader.isAtEnd {
            guard let first = reader.integer(UInt64.self), let count = reader.integer(UInt64.self),
                count > 0, chunks.count < mostRanges, first >= chunks.last?.upperBound ?? 0
            else { return nil }
            let (end, overflow) = first.addingReportingOverflow(count)
            guard !overflow, end <= BLAKE3.Piece.maximumNumber + 1 else { return nil }
            chunks.append(first..<end)
        }
        return .want(entry: entry, chunks: chunks)
    }

    private static func parseValues(_ reader: inout WireReader) -> ControlMessage? {
        guard let entry = reader.integer(UInt32.self), let first = reader.integer(UInt64.self),
            first <= BLAKE3.Piece.maximumNumber, reader.count <= mostValues * BLAKE3.digestLength
        else { return nil }
        var values: [[UInt8]] = []
        while !reader.isAtEnd {
            guard let value = reader.bytes(BLAKE3.digestLength) else { return nil }
            values.append(value)
        }
        return values.isEmpty ? nil : .values(entry: entry, first: first, values)
    }

    /// At most `longestText` bytes, cut between characters.
    static func text(_ text: String) -> [UInt8] {
        var cut = text
        while cut.utf8.count > longestText { cut.removeLast() }
        return Array(cut.utf8)
    }

    private static func text(_ reader: inout WireReader) -> String? {
        guard reader.count <= longestText else { return nil }
        return String(decoding: reader.remainder(), as: UTF8.self)
    }
}

/// What became of a file at its receiver.
package enum ReceivedStatus: UInt8, Sendable {
    case verified = 0
    case skipped = 1
    case failed = 2
}
