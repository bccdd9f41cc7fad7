package import Cryptography

/// Where a sender's files are read.
///
/// A class behind an existential: it is called once for a chunk, and the sender stays a concrete type, whose code the
/// compiler specializes.
package protocol FileSource: AnyObject {
    /// Whether there may be entries that were not asked for.
    var hasMore: Bool { get }

    /// The next entries, whose numbers go on; none if there are no more.
    func more(atMost count: Int) -> [TransferEntry]

    /// Fills `bytes` from an offset on. Returns how many there were: fewer only at the file's end.
    func read(_ entry: UInt32, at offset: UInt64, into bytes: inout MutableRawSpan) throws(FileFault) -> Int

    /// The value of a chunk, if it is known from an earlier transfer and the file is the same.
    func value(of chunk: UInt64, in entry: UInt32) -> BLAKE3.ChainingValue?

    /// Keeps the value of a chunk that was read.
    func keep(_ value: BLAKE3.ChainingValue, of chunk: UInt64, in entry: UInt32)

    /// Throws if the file is not what it was when its entry was made.
    func check(_ entry: UInt32) throws(FileFault)

    /// The receiver has the entry, or will not take it.
    func finish(_ entry: UInt32)
}

extension FileSource {
    package var hasMore: Bool { false }
    package func more(atMost count: Int) -> [TransferEntry] { [] }
    package func value(of chunk: UInt64, in entry: UInt32) -> BLAKE3.ChainingValue? { nil }
    package func keep(_ value: BLAKE3.ChainingValue, of chunk: UInt64, in entry: UInt32) {}
    package func check(_ entry: UInt32) throws(FileFault) {}
    package func finish(_ entry: UInt32) {}
}
