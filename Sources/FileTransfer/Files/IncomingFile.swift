internal import Cryptography

/// A file that arrives: which chunks are there, and whether their values are those that the sender says.
///
/// It keeps the values of chunks that came out of order, and those that only one side has named yet. So its memory
/// follows what arrives, and not the size that the sender says.
struct IncomingFile {
    /// Values that may wait for their chunk: those of 16 GiB.
    static let mostClaims = 65_536

    enum Claim { case taken, noSuchChunk, tooMany }

    let entry: TransferEntry
    let chunkCount: UInt64
    /// All chunks from the first one on, without a gap.
    private var fold = BLAKE3.Fold()
    /// Chunks after a gap.
    private var early: [UInt64: BLAKE3.ChainingValue] = [:]
    /// What the sender says about chunks that are not there yet.
    private var claimed: [UInt64: BLAKE3.ChainingValue] = [:]
    /// Chunks that are there, about which the sender has said nothing yet.
    private var unclaimed: [UInt64: BLAKE3.ChainingValue] = [:]
    private var digestIfAlone: BLAKE3.Digest?
    private var root: BLAKE3.Digest?
    /// The first chunk whose bytes do not have the sender's value.
    private(set) var wrongChunk: UInt64?

    init(_ entry: TransferEntry) {
        self.entry = entry
        chunkCount = BLAKE3.Piece.count(of: entry.size)
    }

    func hasChunk(_ chunk: UInt64) -> Bool { chunk < fold.count || early[chunk] != nil }

    /// A chunk that was hashed here, for the first time.
    mutating func add(_ piece: BLAKE3.Piece) {
        // The value that VALUES gives for the only chunk of a file is the digest.
        var value = piece.chainingValue
        if chunkCount == 1, let digest = piece.digestIfAlone {
            digestIfAlone = digest
            value = BLAKE3.ChainingValue(storage: digest.storage)
        }
        if let claim = claimed.removeValue(forKey: piece.number) {
            if claim != value { note(piece.number) }
        } else {
            unclaimed[piece.number] = value
        }
        if piece.number == fold.count {
            fold.append(piece)
            while let next = early.removeValue(forKey: fold.count) { fold.append(next) }
        } else {
            early[piece.number] = piece.chainingValue
        }
    }

    /// A value that the sender says.
    mutating func claim(_ bytes: [UInt8], of chunk: UInt64) -> Claim {
        guard chunk < chunkCount, let value = BLAKE3.ChainingValue(bytes) else { return .noSuchChunk }
        if let known = unclaimed.removeValue(forKey: chunk) {
            if known != value { note(chunk) }
        } else if !hasChunk(chunk) {
            guard claimed.count < Self.mostClaims else { return .tooMany }
            claimed[chunk] = value
        }
        return .taken
    }

    mutating func setRoot(_ digest: [UInt8]) { root = BLAKE3.Digest(digest) }

    private mutating func note(_ chunk: UInt64) { if wrongChunk == nil { wrongChunk = chunk } }

    /// Whether everything is there that decides about the file.
    var isComplete: Bool { root != nil && fold.count == chunkCount && unclaimed.isEmpty }

    /// The file's digest, if all chunks are there and it is the sender's.
    func verifiedDigest() -> [UInt8]? {
        guard let root, wrongChunk == nil, fold.count == chunkCount else { return nil }
        let digest = chunkCount == 1 ? digestIfAlone : fold.digest
        return digest == root ? Array(root) : nil
    }
}
