internal import Cryptography

/// A file that arrives: which chunks are there, their values as they were hashed here, and as the sender says.
struct IncomingFile {
    let entry: TransferEntry
    /// What was hashed here, by the chunk's number.
    private var hashed: [BLAKE3.ChainingValue?]
    private var claimed: [BLAKE3.ChainingValue?]
    private var digestIfAlone: BLAKE3.Digest?
    private var root: BLAKE3.Digest?
    private(set) var hashedCount = 0
    /// The first chunk whose bytes do not have the sender's value.
    private(set) var wrongChunk: UInt64?

    init(_ entry: TransferEntry, chunks: Int) {
        self.entry = entry
        hashed = Array(repeating: nil, count: chunks)
        claimed = hashed
    }

    var chunkCount: Int { hashed.count }

    func hasChunk(_ chunk: UInt64) -> Bool { hashed[Int(chunk)] != nil }

    /// A chunk that was hashed here.
    mutating func add(_ piece: BLAKE3.Piece) {
        let index = Int(piece.number)
        if hashed[index] == nil { hashedCount += 1 }
        hashed[index] = piece.chainingValue
        if chunkCount == 1 { digestIfAlone = piece.digestIfAlone }
        check(index)
    }

    /// A value that the sender says. False: there is no such chunk.
    mutating func claim(_ value: [UInt8], of chunk: UInt64) -> Bool {
        guard chunk < UInt64(chunkCount), let value = BLAKE3.ChainingValue(value) else { return false }
        claimed[Int(chunk)] = value
        check(Int(chunk))
        return true
    }

    mutating func setRoot(_ digest: [UInt8]) -> Bool {
        guard let digest = BLAKE3.Digest(digest) else { return false }
        root = digest
        return true
    }

    private mutating func check(_ index: Int) {
        guard let value = hashed[index], let claim = claimed[index], wrongChunk == nil else { return }
        let isRight = chunkCount == 1 ? digestIfAlone.map { Array($0) == Array(claim) } ?? false : value == claim
        if !isRight { wrongChunk = UInt64(index) }
    }

    /// Whether everything is there that decides about the file.
    var isComplete: Bool { root != nil && hashedCount == chunkCount && !claimed.contains { $0 == nil } }

    /// The file's digest, if all chunks are there and it is the sender's.
    func verifiedDigest() -> [UInt8]? {
        guard let root, wrongChunk == nil else { return nil }
        if chunkCount == 1 { return digestIfAlone == root ? Array(root) : nil }
        var fold = BLAKE3.Fold()
        for value in hashed {
            guard let value else { return nil }
            fold.append(value)
        }
        return fold.digest == root ? Array(root) : nil
    }
}
