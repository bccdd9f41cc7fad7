internal import Cryptography

@testable import FileTransfer
@testable import FileTransferNode

/// Content of files that are received and sent.
enum SampleFile {
    private static let length = BLAKE3.Piece.length

    static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) } }

    static func values(_ bytes: [UInt8]) -> [BLAKE3.ChainingValue] {
        let count = Int(BLAKE3.Piece.count(of: UInt64(bytes.count)))
        return (0..<count).map { chunk in
            let part = Array(bytes[chunk * length..<min(bytes.count, (chunk + 1) * length)])
            return BLAKE3.Piece(part.span.bytes, number: UInt64(chunk)).value(isAlone: count == 1)
        }
    }

    static func write(_ chunks: some Sequence<Int>, of bytes: [UInt8], to sink: DiskSink, entry: UInt32 = 0) throws {
        let values = values(bytes)
        for chunk in chunks {
            let part = Array(bytes[chunk * length..<min(bytes.count, (chunk + 1) * length)])
            try sink.write(part.span.bytes, values[chunk], of: UInt64(chunk), in: entry)
        }
    }
}
