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
package protocol FileSource: ~Copyable {
    /// Fills `bytes` from an offset on. Returns how many there were: fewer only at the file's end.
    mutating func read(_ entry: UInt32, at offset: UInt64, into bytes: inout MutableRawSpan) throws(FileFault) -> Int
}

/// Where a receiver's files are written.
package protocol FileSink: ~Copyable {
    /// Makes room for an entry. Returns the chunks that it lacks: none if the entry is complete.
    mutating func begin(_ entry: TransferEntry) throws(FileFault) -> [Range<UInt64>]

    mutating func write(_ bytes: RawSpan, of entry: UInt32, at offset: UInt64) throws(FileFault)

    /// Gives the entry its name, because all of it is there and verified.
    mutating func finish(_ entry: TransferEntry, digest: [UInt8]) throws(FileFault)
}
