/// A payload whose first bytes are stored apart from the rest.
///
/// A long message is mostly data behind twelve bytes: its number and the length of the data. If these are apart, the
/// data starts where its array starts, and the array becomes the message's own. Behind them, all of it would have to
/// move.
struct SplitPayload: Sendable {
    static let headLength = Message.dataHeadLength
    /// Shorter payloads stay in one piece: moving them costs less than a second piece.
    static let shortestSplit = 4096

    private var head = InlineArray<12, UInt8>(repeating: 0)
    private var headCount = 0
    private let isSplit: Bool
    private var rest: [UInt8]

    /// An empty payload that will have `length` bytes.
    init(expecting length: Int = 0) {
        isSplit = length >= SplitPayload.shortestSplit
        rest = []
    }

    /// A payload in one piece.
    init(_ bytes: consuming [UInt8]) {
        isSplit = false
        rest = bytes
    }

    /// A copy of these bytes.
    init(copying bytes: Span<UInt8>) {
        self.init(expecting: bytes.count)
        rest.reserveCapacity(bytes.count - (isSplit ? SplitPayload.headLength : 0))
        append(bytes)
    }

    var count: Int { headCount + rest.count }
    var isEmpty: Bool { count == 0 }
    var capacity: Int { rest.capacity }

    mutating func reserveCapacity(_ count: Int) { rest.reserveCapacity(count) }

    /// Bytes of the first piece that have not arrived; 0 if the payload is in one piece.
    var missingHead: Int { isSplit ? SplitPayload.headLength - headCount : 0 }

    /// Runs `body` with the first piece, which must be complete.
    mutating func withHead(_ body: (inout MutableRawSpan) -> Void) {
        var span = head.mutableSpan
        // Any bytes are valid `UInt8`s.
        var bytes = unsafe span.mutableBytes
        body(&bytes)
    }

    /// Appends `count` bytes, which `body` makes, behind the first piece, which must be complete.
    mutating func append(_ count: Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
        rest.append(addingCapacity: count, initializingWith: body)
    }

    mutating func append(_ bytes: Span<UInt8>) {
        var position = 0
        while isSplit, headCount < SplitPayload.headLength, position < bytes.count {
            head[headCount] = bytes[position]
            headCount += 1
            position += 1
        }
        rest.append(copying: bytes.extracting(position...))
    }

    /// Runs `body` with the first bytes, which are none if the payload is in one piece, and with the rest.
    mutating func withPieces<Value>(_ body: (inout MutableRawSpan, inout MutableRawSpan) -> Value) -> Value {
        // Two spans of one structure count as overlapping.
        var back: [UInt8] = []
        swap(&back, &rest)
        defer { swap(&back, &rest) }
        var backSpan = back.mutableSpan
        // Any bytes are valid `UInt8`s.
        var second = unsafe backSpan.mutableBytes
        if headCount == 0 {
            var none = MutableRawSpan()
            return body(&none, &second)
        }
        var headSpan = head.mutableSpan
        var first = unsafe headSpan.mutableBytes
        return body(&first, &second)
    }

    mutating func removeLast(_ count: Int) { rest.removeLast(count) }

    /// All bytes in one array. Moves the rest if the payload is split.
    consuming func joined() -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &rest)
        guard headCount > 0 else { return bytes }
        bytes.insert(contentsOf: (0..<headCount).map { head[$0] }, at: 0)
        return bytes
    }

    /// Whether these are the bytes of a Data message, in bincode, and are split. Then ``data()`` returns its data.
    var isData: Bool {
        guard headCount == SplitPayload.headLength else { return false }
        return Message.isData(head: head.span, count: rest.count)
    }

    /// All bytes but the first ones, where they are.
    consuming func data() -> [UInt8] { rest }
}
