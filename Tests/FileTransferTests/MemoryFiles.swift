internal import Cryptography
internal import FileTransfer

/// Files in memory that are sent.
final class MemorySource: FileSource {
    var files: [[UInt8]]
    /// An entry from whose offset on reading fails.
    var brokenFrom: (entry: UInt32, offset: UInt64)?
    private(set) var reads = 0
    /// Chunks that were read, in order.
    private(set) var chunks: [UInt64] = []
    /// Values of an earlier transfer.
    var known: [UInt32: [BLAKE3.ChainingValue?]] = [:]
    private(set) var finished: [UInt32] = []
    /// The content changes after so many reads.
    var changesAfter = Int.max

    /// Entries that are listed later.
    var unlisted: [TransferEntry] = []

    init(_ files: [[UInt8]]) { self.files = files }

    var hasMore: Bool { !unlisted.isEmpty }

    func more(atMost count: Int) -> [TransferEntry] {
        defer { unlisted.removeFirst(min(count, unlisted.count)) }
        return Array(unlisted.prefix(count))
    }

    func read(_ entry: UInt32, at offset: UInt64, into bytes: inout MutableRawSpan) throws(FileFault) -> Int {
        reads += 1
        if offset % UInt64(BLAKE3.Piece.length) == 0 { chunks.append(offset / UInt64(BLAKE3.Piece.length)) }
        let file = files[Int(entry)]
        if let brokenFrom, brokenFrom.entry == entry, offset >= brokenFrom.offset {
            throw FileFault(.unreadable, "the disk is broken")
        }
        let count = min(bytes.byteCount, file.count - Int(offset))
        for index in 0..<count { bytes.storeBytes(of: file[Int(offset) + index], toByteOffset: index, as: UInt8.self) }
        return count
    }

    func value(of chunk: UInt64, in entry: UInt32) -> BLAKE3.ChainingValue? {
        known[entry].flatMap { Int(chunk) < $0.count ? $0[Int(chunk)] : nil }
    }

    func check(_ entry: UInt32) throws(FileFault) {
        if reads >= changesAfter { throw FileFault(.changed, "it changed") }
    }

    func finish(_ entry: UInt32) { finished.append(entry) }
}

/// Files in memory that are received.
final class MemorySink: FileSink {
    var isDurable = false
    var files: [UInt32: [UInt8]] = [:]
    var finished: Set<UInt32> = []
    /// What is there of an entry; otherwise nothing.
    var starts: [UInt32: EntryStart] = [:]
    /// Chunks that were written, and those that were hashed again.
    var written: [UInt32: [UInt64]] = [:]
    var rechecked: [UInt64] = []
    var kept: [UInt32: KnownChunks] = [:]
    var stored = 0
    var results: [StoredFile] = []
    /// Small files are not made meanwhile.
    var isSlow = false
    var ends = 0
    var isFull = false
    /// There is no room for this entry.
    var fullEntry: UInt32?
    /// Takes any size without memory for it.
    var isSparse = false
    /// Why it takes nothing.
    var refuses: String?

    func begin(_ entry: TransferEntry) throws(FileFault) -> EntryStart {
        if let refuses { throw FileFault(.unwritable, refuses) }
        let start = starts[entry.number] ?? .missing
        if start == .missing || files[entry.number] == nil {
            files[entry.number] = [UInt8](repeating: 0, count: isSparse ? 0 : Int(entry.size))
        }
        return start
    }

    func write(
        _ bytes: RawSpan,
        _ value: BLAKE3.ChainingValue,
        of chunk: UInt64,
        in entry: UInt32
    ) throws(FileFault) {
        if isFull || entry == fullEntry { throw FileFault(.unwritable, "the disk is full") }
        written[entry, default: []].append(chunk)
        let offset = Int(chunk) * BLAKE3.Piece.length
        for index in 0..<bytes.byteCount {
            files[entry]?[offset + index] = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
    }

    func value(of chunk: UInt64, in entry: UInt32) throws(FileFault) -> BLAKE3.ChainingValue? {
        rechecked.append(chunk)
        guard let file = files[entry] else { return nil }
        return chunkValues(of: file)[Int(chunk)]
    }

    func keep(_ known: KnownChunks, of entry: UInt32) throws(FileFault) { kept[entry] = known }

    func store(_ bytes: RawSpan, as entry: TransferEntry) {
        if isFull {
            return results.append(StoredFile(entry: entry.number, fault: FileFault(.unwritable, "the disk is full")))
        }
        stored += 1
        files[entry.number] = [UInt8](bytes)
        results.append(StoredFile(entry: entry.number, fault: nil))
    }

    var hasStored: Bool { !results.isEmpty && !isSlow }

    func takeStored() -> [StoredFile] {
        if isSlow { return [] }
        defer { results = [] }
        return results
    }

    func finish(_ entry: TransferEntry) throws(FileFault) { finished.insert(entry.number) }

    func end() -> Bool {
        ends += 1
        return true
    }
}

/// The values of a file's chunks, as VALUES has them.
func chunkValues(of file: [UInt8]) -> [BLAKE3.ChainingValue] {
    let count = BLAKE3.Piece.count(of: UInt64(file.count))
    return (0..<count).map { chunk in
        let start = Int(chunk) * BLAKE3.Piece.length
        let end = min(file.count, start + BLAKE3.Piece.length)
        return BLAKE3.Piece(file.span.bytes.extracting(start..<end), number: chunk).value(isAlone: count == 1)
    }
}

func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}
