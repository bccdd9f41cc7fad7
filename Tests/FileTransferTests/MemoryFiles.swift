internal import Cryptography
internal import FileTransfer

/// Files in memory that are sent.
final class MemorySource: FileSource {
    let files: [[UInt8]]
    /// An entry from whose offset on reading fails.
    var brokenFrom: (entry: UInt32, offset: UInt64)?
    private(set) var reads = 0

    init(_ files: [[UInt8]]) { self.files = files }

    func read(_ entry: UInt32, at offset: UInt64, into bytes: inout MutableRawSpan) throws(FileFault) -> Int {
        reads += 1
        let file = files[Int(entry)]
        if let brokenFrom, brokenFrom.entry == entry, offset >= brokenFrom.offset {
            throw FileFault(.unreadable, "the disk is broken")
        }
        let count = min(bytes.byteCount, file.count - Int(offset))
        for index in 0..<count { bytes.storeBytes(of: file[Int(offset) + index], toByteOffset: index, as: UInt8.self) }
        return count
    }
}

/// Files in memory that are received.
final class MemorySink: FileSink {
    var files: [UInt32: [UInt8]] = [:]
    var finished: [UInt32: [UInt8]] = [:]
    var isFull = false
    /// Takes any size without memory for it.
    var isSparse = false

    func begin(_ entry: TransferEntry) throws(FileFault) -> [Range<UInt64>] {
        files[entry.number] = [UInt8](repeating: 0, count: isSparse ? 0 : Int(entry.size))
        return [0..<BLAKE3.Piece.count(of: entry.size)]
    }

    func write(_ bytes: RawSpan, of entry: UInt32, at offset: UInt64) throws(FileFault) {
        if isFull { throw FileFault(.unwritable, "the disk is full") }
        for index in 0..<bytes.byteCount {
            files[entry]?[Int(offset) + index] = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
    }

    func finish(_ entry: TransferEntry, digest: [UInt8]) throws(FileFault) { finished[entry.number] = digest }
}

func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}
