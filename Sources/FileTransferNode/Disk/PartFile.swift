internal import Cryptography
internal import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// A large file that is being received: `NAME.courier-part`, and its journal beside it.
struct PartFile: ~Copyable {
    static let suffix = Array(".courier-part".utf8)
    private static let journalSuffix = Array(".courier-journal".utf8)
    private static let longestName = 255
    /// Chunks that are made durable together.
    private static let durableChunks = 64

    private let file: Descriptor
    private var journal: ChunkJournal
    private let isDurable: Bool
    /// Chunks that were written and are not durable yet.
    private var waiting: [(chunk: UInt64, value: BLAKE3.ChainingValue)] = []
    /// Chunks of an earlier transfer, which have records.
    private let known: KnownChunks

    /// The names of the part of a file and of its journal. A file with a long name has others.
    static func names(of name: [UInt8]) -> (part: [UInt8], journal: [UInt8]) {
        var stem = name
        if name.count + journalSuffix.count > longestName {
            // Every bit pattern is a valid byte.
            let digest = unsafe BLAKE3.hash(name.span.bytes)
            stem = Array("\(digest)".utf8.prefix(32))
        }
        return (stem + suffix, stem + journalSuffix)
    }

    /// The path of the part of a file at a path. Different files may have one, if an owner named one like the other's
    /// part.
    static func path(of path: [UInt8]) -> [UInt8] {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return Array(path[..<start]) + names(of: Array(path[start...])).part
    }

    /// Whether a part or journal has such a name.
    static func isReserved(_ name: [UInt8]) -> Bool {
        name.suffix(suffix.count).elementsEqual(suffix) || name.suffix(journalSuffix.count).elementsEqual(journalSuffix)
    }

    /// Looks for what an earlier transfer left. In a folder that others may write in, theirs does not count: they could
    /// have a journal for other bytes.
    static func find(
        _ name: [UInt8],
        size: UInt64,
        in folder: borrowing OpenFolder
    ) throws(SystemError) -> ChunkJournal.Found {
        let names = names(of: name)
        guard let status = try folder.status(of: names.part), status.isOwnFile,
            try folder.status(of: names.journal)?.isOwnFile == true
        else { return .nothing }
        let journal = try folder.open(names.journal, flags: O_RDONLY)
        guard try journal.status().isOwnFile else { return .nothing }
        return try ChunkJournal.read(journal, about: ChunkJournal.Subject(part: status, size: size))
    }

    private init(
        _ file: consuming Descriptor,
        _ journal: consuming ChunkJournal,
        _ known: KnownChunks,
        _ isDurable: Bool
    ) {
        self.file = file
        self.journal = journal
        self.known = known
        self.isDurable = isDurable
    }

    /// Opens or creates the part.
    ///
    /// - Parameters:
    ///   - known: what counts of an earlier transfer; nothing begins anew.
    ///   - isContinued: whether the journal has just that.
    static func open(
        _ name: [UInt8],
        size: UInt64,
        known: KnownChunks,
        isContinued: Bool,
        isDurable: Bool,
        in folder: borrowing OpenFolder
    ) throws(SystemError) -> PartFile {
        let names = names(of: name)
        let file = try folder.open(names.part, flags: O_RDWR | O_CREAT)
        let status = try file.status()
        // A file that someone put there under this name keeps its content.
        guard status.isOwnFile else {
            throw SystemError(call: "open", path: file.path, code: EEXIST)
        }
        if known.isEmpty, !isContinued { try file.truncate(to: 0) }
        try file.truncate(to: Int64(size))
        let notes = try folder.open(names.journal, flags: O_RDWR | O_CREAT)
        guard try notes.status().isOwnFile else { throw SystemError(call: "open", path: notes.path, code: EEXIST) }
        if isContinued { return PartFile(file, try ChunkJournal.proceed(notes), known, isDurable) }
        let subject = ChunkJournal.Subject(part: status, size: size)
        return PartFile(file, try ChunkJournal.begin(notes, about: subject, with: known), known, isDurable)
    }

    mutating func write(
        _ bytes: RawSpan,
        _ value: BLAKE3.ChainingValue,
        of chunk: UInt64
    ) throws(SystemError) {
        if known.value(of: chunk) != nil { try journal.remove(chunk) }
        try file.write(bytes, at: Int64(chunk) * Int64(BLAKE3.Piece.length))
        guard isDurable else { return try journal.add(chunk, value) }
        waiting.append((chunk, value))
        if waiting.count == Self.durableChunks { try claim() }
    }

    /// Makes what was written durable, and then its records.
    private mutating func claim() throws(SystemError) {
        guard !waiting.isEmpty else { return }
        try file.synchronizeData()
        for (chunk, value) in waiting { try journal.add(chunk, value) }
        waiting = []
        try journal.synchronize()
    }

    /// Hashes a chunk that is there. Nil if it is not.
    func value(of chunk: UInt64, size: UInt64, buffer: inout [UInt8]) throws(SystemError) -> BLAKE3.ChainingValue? {
        let start = chunk * UInt64(BLAKE3.Piece.length)
        let length = BLAKE3.Piece.length(of: chunk, in: size)
        var span = buffer.mutableSpan
        // Every bit pattern is a valid byte.
        var bytes = unsafe span.mutableBytes
        var wanted = bytes._mutatingExtracting(..<length)
        guard try file.read(into: &wanted, at: Int64(start)) == length else { return nil }
        let piece = BLAKE3.Piece(wanted.bytes, number: chunk)
        return piece.value(isAlone: BLAKE3.Piece.count(of: size) == 1)
    }

    /// Sets the file's permissions and time, and makes it durable.
    mutating func complete(_ entry: TransferEntry) throws(SystemError) {
        if isDurable { try claim() }
        try file.setMode(mode_t(entry.mode & 0o777))
        try file.setModified(seconds: entry.seconds, nanoseconds: entry.nanoseconds)
        if isDurable { try file.synchronize() }
    }
}
