package import Cryptography

/// A large file that is being sent.
struct OutgoingFile {
    let entry: UInt32
    let size: UInt64
    let chunkCount: UInt64
    /// Whether all values and the root are out already: only chunks are sent.
    let isRepeat: Bool
    /// Opened for its first data.
    var stream: UInt16?
    /// What the receiver wants and was not loaded yet.
    var chunks: [Range<UInt64>]
    /// The memory of the chunk that is being sent.
    var slot: Int?
    var offset: UInt64 = 0
    var chunkEnd: UInt64 = 0
    var fold = BLAKE3.Fold()
    /// Of all chunks so far.
    var values: [BLAKE3.ChainingValue] = []
    /// How many of them are out.
    var saidValues = 0

    init(_ entry: TransferEntry, chunks: [Range<UInt64>], values: [BLAKE3.ChainingValue]?) {
        self.entry = entry.number
        size = entry.size
        chunkCount = BLAKE3.Piece.count(of: entry.size)
        self.chunks = chunks
        isRepeat = values != nil
        self.values = values ?? []
    }

    /// Takes the next wanted chunk.
    mutating func takeChunk() -> UInt64? {
        guard let range = chunks.first else { return nil }
        let rest = range.lowerBound + 1..<range.upperBound
        if rest.isEmpty { chunks.removeFirst() } else { chunks[0] = rest }
        return range.lowerBound
    }

    /// How many chunks the fold must have before the next one is sent, or before the file is done.
    var nextStop: UInt64 { chunks.first?.lowerBound ?? chunkCount }

    func length(of chunk: UInt64) -> Int { BLAKE3.Piece.length(of: chunk, in: size) }

    mutating func add(_ value: BLAKE3.ChainingValue) {
        fold.append(value)
        values.append(value)
    }

    /// The digest, once all chunks are in the fold. That of a file of one chunk is its value.
    var digest: BLAKE3.Digest? {
        chunkCount == 1 ? values.first.map { BLAKE3.Digest(storage: $0.storage) } : fold.digest
    }
}

extension BLAKE3.Piece {
    /// What VALUES says of it: the digest if it is all of its file.
    package func value(isAlone: Bool) -> BLAKE3.ChainingValue {
        guard isAlone, let digest = digestIfAlone else { return chainingValue }
        return BLAKE3.ChainingValue(storage: digest.storage)
    }
}
