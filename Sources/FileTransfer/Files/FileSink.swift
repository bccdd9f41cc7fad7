package import Cryptography

/// What a receiver has of an entry before anything of it arrives.
package enum EntryStart: Equatable, Sendable {
    case missing
    /// Verified chunks of an earlier transfer.
    case partial(KnownChunks)
    /// Chunks of an earlier transfer that must be hashed again before they count.
    case unproven(KnownChunks)
    /// Nothing of it has to arrive: a folder or a symbolic link.
    case complete
    /// It is there already, or the user does not want it.
    case skipped
}

/// What became of a small file.
package struct StoredFile: Sendable {
    package let entry: UInt32
    /// Nil: it is there.
    package let fault: FileFault?

    package init(entry: UInt32, fault: FileFault?) {
        self.entry = entry
        self.fault = fault
    }
}

/// Where a receiver's files are written. A class, as ``FileSource`` is.
package protocol FileSink: AnyObject {
    /// Whether a file is on the disk when it counts as verified.
    var isDurable: Bool { get }

    /// Looks for what is there of an entry, and makes folders and symbolic links.
    func begin(_ entry: TransferEntry) throws(FileFault) -> EntryStart

    /// Writes a chunk, and keeps its value for a later transfer.
    func write(_ bytes: RawSpan, _ value: BLAKE3.ChainingValue, of chunk: UInt64, in entry: UInt32) throws(FileFault)

    /// Chunks of an earlier transfer were hashed again: those that count, for a later transfer.
    func keep(_ known: KnownChunks, of entry: UInt32) throws(FileFault)

    /// Hashes a chunk that is there from an earlier transfer. Nil if it is not there.
    func value(of chunk: UInt64, in entry: UInt32) throws(FileFault) -> BLAKE3.ChainingValue?

    /// Makes a small file, whose bytes are verified. ``takeStored()`` says what became of it, perhaps later.
    func store(_ bytes: RawSpan, as entry: TransferEntry)

    /// Whether ``takeStored()`` has something to say.
    var hasStored: Bool { get }

    /// Small files that were made, or cannot be, since the last call.
    func takeStored() -> [StoredFile]

    /// Gives the entry its name, because all of it is there and verified.
    func finish(_ entry: TransferEntry) throws(FileFault)

    /// All entries are there, or have failed.
    ///
    /// - Returns: whether all is done; if not, it is called again. One call takes some milliseconds.
    func end() -> Bool
}
