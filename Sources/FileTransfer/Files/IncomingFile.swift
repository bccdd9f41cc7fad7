internal import Cryptography

/// A file that arrives: which chunks are there, and whether their values are those that the sender says.
///
/// It keeps the values of chunks that came out of order, and those that only one side has named yet. So its memory
/// follows what arrives and what is there from an earlier transfer, and not the size that the sender says.
struct IncomingFile {
    /// Values that may wait for their chunk: those of 16 GiB.
    static let mostClaims = 65_536

    enum Claim { case taken, noSuchChunk, tooMany }

    let entry: TransferEntry
    let chunkCount: UInt64
    /// All chunks from the first one on, without a gap, whose values are the sender's.
    private var fold = BLAKE3.Fold()
    /// Such chunks after a gap.
    private var confirmed: [UInt64: BLAKE3.ChainingValue] = [:]
    /// What the sender says about chunks that are not there yet.
    private var claimed: [UInt64: BLAKE3.ChainingValue] = [:]
    /// Chunks that are there, about which the sender has said nothing yet.
    private var unclaimed: [UInt64: BLAKE3.ChainingValue] = [:]
    /// Chunks of an earlier transfer.
    private let known: KnownChunks
    /// Known chunks whose values are not the sender's: its file has changed since.
    private var stale: Set<UInt64> = []
    /// The digest of a file of one chunk, which is that chunk's value.
    private var alone: BLAKE3.ChainingValue?
    private var root: BLAKE3.Digest?
    /// The first chunk whose bytes do not have the sender's value.
    private(set) var wrongChunk: UInt64?

    init(_ entry: TransferEntry, known: KnownChunks = KnownChunks()) {
        self.entry = entry
        self.known = known
        chunkCount = BLAKE3.Piece.count(of: entry.size)
    }

    /// Values that wait for their chunk.
    var claimCount: Int { claimed.count }

    func hasChunk(_ chunk: UInt64) -> Bool {
        if chunk < fold.count { return true }
        if unclaimed[chunk] != nil || confirmed[chunk] != nil { return true }
        return known.value(of: chunk) != nil && !stale.contains(chunk)
    }

    /// A chunk that was hashed here, for the first time.
    mutating func add(_ chunk: UInt64, _ value: BLAKE3.ChainingValue) {
        if let claim = claimed.removeValue(forKey: chunk) {
            compare(value, with: claim, chunk)
        } else {
            unclaimed[chunk] = value
        }
    }

    /// A value that the sender says.
    mutating func claim(_ bytes: [UInt8], of chunk: UInt64) -> Claim {
        guard chunk < chunkCount, let value = BLAKE3.ChainingValue(bytes) else { return .noSuchChunk }
        if chunk < fold.count || confirmed[chunk] != nil { return .taken }
        if let own = unclaimed.removeValue(forKey: chunk) {
            compare(own, with: value, chunk)
            return .taken
        }
        if let own = known.value(of: chunk), !stale.contains(chunk) {
            if own == value {
                confirm(chunk, value)
                return .taken
            }
            stale.insert(chunk)
        }
        guard claimed.count < Self.mostClaims else { return .tooMany }
        claimed[chunk] = value
        return .taken
    }

    private mutating func compare(_ own: BLAKE3.ChainingValue, with claim: BLAKE3.ChainingValue, _ chunk: UInt64) {
        if own == claim {
            confirm(chunk, own)
        } else if wrongChunk == nil {
            wrongChunk = chunk
        }
    }

    private mutating func confirm(_ chunk: UInt64, _ value: BLAKE3.ChainingValue) {
        if chunkCount == 1 { alone = value }
        guard chunk == fold.count else {
            confirmed[chunk] = value
            return
        }
        fold.append(value)
        while let next = confirmed.removeValue(forKey: fold.count) { fold.append(next) }
    }

    /// What the sender says last. False: it has said so before.
    mutating func setRoot(_ digest: [UInt8]) -> Bool {
        guard root == nil else { return false }
        root = BLAKE3.Digest(digest)
        return true
    }

    /// Chunks to ask for once the sender has said all values: those of an earlier transfer that have changed since.
    var staleChunks: [Range<UInt64>] {
        var ranges: [Range<UInt64>] = []
        for chunk in stale.sorted() {
            if let last = ranges.last, last.upperBound == chunk {
                ranges[ranges.count - 1] = last.lowerBound..<chunk + 1
            } else {
                ranges.append(chunk..<chunk + 1)
            }
        }
        return ranges
    }

    /// Whether everything is there that decides about the file.
    var isComplete: Bool { root != nil && fold.count == chunkCount }

    /// The file's digest, if all chunks are there and it is the sender's.
    func verifiedDigest() -> BLAKE3.Digest? {
        guard let root, wrongChunk == nil, fold.count == chunkCount else { return nil }
        let digest = chunkCount == 1 ? alone.map { BLAKE3.Digest(storage: $0.storage) } : fold.digest
        return digest == root ? root : nil
    }
}
