internal import Cryptography
internal import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// The values of a file's chunks, kept in a file beside it or in the user's state folder, for a later transfer.
///
/// A head says which file it is about. A record of 48 bytes follows for each chunk, and is written after the chunk
/// itself. Head and records carry checks, so a bit that flipped is found: its chunk counts as missing.
///
/// ```
/// head    "courier1" | boot 16 | device 8 | inode 8 | size 8 | modified 12 | changed 12 | check 8
/// record  chunk 8 | value 32 | check 8
/// ```
struct ChunkJournal: ~Copyable {
    /// Which file, and in which state.
    struct Subject: Equatable {
        var boot = BootIdentity.current
        var device: UInt64
        var inode: UInt64
        var size: UInt64
        /// Zero for a file that this machine is still writing.
        var modified: (seconds: Int64, nanoseconds: UInt32) = (0, 0)
        var changed: (seconds: Int64, nanoseconds: UInt32) = (0, 0)

        /// A file that is still being written.
        init(part status: FileStatus, size: UInt64) {
            device = status.device
            inode = status.inode
            self.size = size
        }

        /// A file that is not.
        init(_ status: FileStatus) {
            self.init(part: status, size: UInt64(status.size))
            modified = (Int64(status.modified), status.modifiedNanoseconds)
            changed = (Int64(status.changed), status.changedNanoseconds)
        }

        static func == (one: Self, other: Self) -> Bool { one.encoded == other.encoded }

        var encoded: [UInt8] {
            var bytes = Array("courier1".utf8) + boot
            for number in [device, inode, size] { bytes.append(littleEndian: number) }
            for time in [modified, changed] {
                bytes.append(littleEndian: UInt64(bitPattern: time.seconds))
                bytes.append(littleEndian: time.nanoseconds)
            }
            return bytes
        }

        /// Whether both name the same file in the same state, at whatever boot.
        func isSameFile(as other: Subject) -> Bool {
            var copy = other
            copy.boot = boot
            return copy == self
        }
    }

    static let headLength = 8 + BootIdentity.length + 3 * 8 + 2 * 12 + checkLength
    static let recordLength = 8 + BLAKE3.digestLength + checkLength
    private static let checkLength = 8
    /// Those of 1 TiB.
    private static let mostRecords = 4 << 20

    /// What was read of a journal.
    enum Found {
        case nothing
        /// It is about another file, or another state of it, or its head is damaged.
        case other
        /// Chunks, and how many records are damaged.
        case chunks(KnownChunks, isThisBoot: Bool, damaged: Int)
    }

    private let file: Descriptor
    private var end: Int64

    private init(_ file: consuming Descriptor, end: Int64) {
        self.file = file
        self.end = end
    }

    /// Begins a journal, with what another one had.
    static func begin(
        _ file: consuming Descriptor,
        about subject: Subject,
        with chunks: KnownChunks = KnownChunks()
    ) throws(SystemError) -> ChunkJournal {
        let head = subject.encoded
        var bytes = head + check(head)
        bytes.reserveCapacity(bytes.count + chunks.count * recordLength)
        for (chunk, value) in zip(chunks.numbers, chunks.values) { bytes += record(chunk, value) }
        try file.truncate(to: 0)
        try file.write(bytes, at: 0)
        return ChunkJournal(file, end: Int64(bytes.count))
    }

    /// Goes on with a journal that was read.
    static func proceed(_ file: consuming Descriptor) throws(SystemError) -> ChunkJournal {
        // A record that was cut is written over.
        let records = max(0, try file.status().size - Int64(headLength)) / Int64(recordLength)
        return ChunkJournal(file, end: Int64(headLength) + records * Int64(recordLength))
    }

    /// Notes that a chunk that may have a record is about to be written over.
    mutating func remove(_ chunk: UInt64) throws(SystemError) { try add(chunk, Self.invalid) }

    mutating func add(_ chunk: UInt64, _ value: BLAKE3.ChainingValue) throws(SystemError) {
        try file.write(Self.record(chunk, value), at: end)
        end += Int64(Self.recordLength)
    }

    func synchronize() throws(SystemError) { try file.synchronizeData() }

    /// Reads a journal.
    static func read(_ file: borrowing Descriptor, about subject: Subject) throws(SystemError) -> Found {
        let head = try file.read(atMost: headLength, at: 0)
        if head.isEmpty { return .nothing }
        let fields = Array(head.prefix(headLength - checkLength))
        guard head.count == headLength, Array(head.suffix(checkLength)) == check(fields) else { return .other }
        var written = subject
        written.boot = Array(fields[8..<8 + BootIdentity.length])
        guard written.encoded == fields else { return .other }
        let count = BLAKE3.Piece.count(of: subject.size)
        var known = KnownChunks()
        var records = 0
        var damaged = 0
        var offset = Int64(headLength)
        while records < mostRecords {
            let bytes = try file.read(atMost: 1_024 * recordLength, at: offset)
            offset += Int64(bytes.count)
            for start in stride(from: 0, to: bytes.count - recordLength + 1, by: recordLength) {
                let record = bytes[start..<start + recordLength]
                let body = Array(record.prefix(recordLength - checkLength))
                let chunk = body.prefix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
                guard Array(record.suffix(checkLength)) == check(body), chunk < count,
                    let value = BLAKE3.ChainingValue(Array(body.suffix(BLAKE3.digestLength)))
                else {
                    damaged += 1
                    continue
                }
                records += 1
                // A chunk that came again has its last value.
                if value == invalid { known.remove(chunk) } else { known.add(chunk, value) }
            }
            if bytes.count < 1_024 * recordLength { break }
        }
        return .chunks(known, isThisBoot: written.boot == subject.boot, damaged: damaged)
    }

    /// The value of no chunk.
    private static let invalid = BLAKE3.ChainingValue(storage: BLAKE3.Bytes(repeating: 0))

    private static func record(_ chunk: UInt64, _ value: BLAKE3.ChainingValue) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(recordLength)
        bytes.append(littleEndian: chunk)
        bytes += value
        return bytes + check(bytes)
    }

    private static func check(_ bytes: [UInt8]) -> [UInt8] {
        // Every bit pattern is a valid byte.
        unsafe Array(BLAKE3.hash(bytes.span.bytes).prefix(checkLength))
    }
}

extension [UInt8] {
    fileprivate mutating func append<Value: FixedWidthInteger & UnsignedInteger>(littleEndian value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}
