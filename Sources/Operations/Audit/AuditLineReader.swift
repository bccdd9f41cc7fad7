internal import Glibc
internal import SystemErrors

/// Reads a file line by line with bounded memory: one line of the maximum length and one block.
struct AuditLineReader: ~Copyable {
    struct Line {
        /// Without the newline.
        var bytes: ArraySlice<UInt8>
        /// False for the last bytes of a file that does not end with a newline.
        var isTerminated: Bool
        /// The line is too long: `bytes` is only its beginning, and reading ends here.
        var isTooLong: Bool
    }

    private static let blockLength = 65_536

    private let read: (_ count: Int, _ offset: Int64) throws(SystemError) -> [UInt8]
    private var buffer: [UInt8] = []
    private var start = 0
    private var searched = 0
    private var position: Int64
    private var isAtEnd = false

    /// Offset of the next line in the file.
    private(set) var offset: Int64

    init(from offset: Int64, read: @escaping (_ count: Int, _ offset: Int64) throws(SystemError) -> [UInt8]) {
        self.read = read
        self.offset = offset
        position = offset
    }

    mutating func next() throws(SystemError) -> Line? {
        while true {
            if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[start..<newline]
                start = newline + 1
                searched = start
                offset += Int64(line.count + 1)
                return Line(bytes: line, isTerminated: true, isTooLong: line.count >= AuditLine.maximumLength)
            }
            searched = buffer.count
            if buffer.count - start >= AuditLine.maximumLength {
                return Line(bytes: buffer[start...], isTerminated: false, isTooLong: true)
            }
            if isAtEnd {
                if start == buffer.count { return nil }
                let line = buffer[start...]
                start = buffer.count
                return Line(bytes: line, isTerminated: false, isTooLong: false)
            }
            let block = try read(AuditLineReader.blockLength, position)
            isAtEnd = block.isEmpty
            position += Int64(block.count)
            // The partial line moves to the front, so the buffer never holds more than a line and a block.
            buffer.removeFirst(start)
            searched -= start
            start = 0
            buffer += block
        }
    }

    /// Continues after the last whole line: the file has grown.
    mutating func resume() {
        (buffer, start, searched) = ([], 0, 0)
        position = offset
        isAtEnd = false
    }
}
