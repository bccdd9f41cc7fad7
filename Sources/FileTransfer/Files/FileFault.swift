/// Why a file cannot be read, written or verified. The text names the file and what to do.
package struct FileFault: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: UInt32, Sendable {
        case unreadable = 1
        case unwritable = 2
        case changed = 3
        case notVerified = 4
        case exists = 5
        case refusedName = 6
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// Where a sender's files are read.
///
/// A class behind an existential: it is called once for a chunk, and the sender stays a concrete type, whose code the
/// compiler specializes.
package protocol FileSource: AnyObject {
    /// Fills `bytes` from an offset on. Returns how many there were: fewer only at the file's end.
    func read(_ entry: UInt32, at offset: UInt64, into bytes: inout MutableRawSpan) throws(FileFault) -> Int
}

/// Where a receiver's files are written. A class, as ``FileSource`` is.
package protocol FileSink: AnyObject {
    /// Makes room for an entry. Returns the chunks that it lacks: none if the entry is complete.
    func begin(_ entry: TransferEntry) throws(FileFault) -> [Range<UInt64>]

    func write(_ bytes: RawSpan, of entry: UInt32, at offset: UInt64) throws(FileFault)

    /// Gives the entry its name, because all of it is there and verified.
    func finish(_ entry: TransferEntry, digest: [UInt8]) throws(FileFault)
}
