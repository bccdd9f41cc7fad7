internal import Cryptography
internal import FileTransfer

/// What a courier's peer sends behind the seal.
enum CourierProperties {
    /// A control message that is read is written the same.
    static func checkMessage(_ bytes: [UInt8]) throws(PropertyBroken) {
        guard let type = bytes.first else { return }
        let body = Array(bytes.dropFirst())
        let message: ControlMessage
        do throws(ControlMessage.Malformed) { message = try ControlMessage(type: type, body: body) } catch {
            try ErrorText.check(error)
            return
        }
        let written = message.encoded
        let again: ControlMessage
        do throws(ControlMessage.Malformed) {
            again = try ControlMessage(type: written[0], body: Array(written.dropFirst(5)))
        } catch { throw PropertyBroken("a message that was written is not read: \(error)") }
        try require(again == message, "a message is not read as it was written")
    }

    /// Messages, streams and data in any order, at a receiver and at a sender: nothing traps, and what is written is
    /// bounded by what arrived.
    ///
    /// An operation is a byte, a length of 2 bytes, and so many bytes.
    static func checkTransfer(_ bytes: [UInt8]) throws(PropertyBroken) {
        try checkReceiver(bytes)
        try checkSender(bytes)
    }

    private struct Operation {
        let kind: UInt8
        let bytes: [UInt8]

        func number(_ start: Int, _ count: Int) -> UInt64 {
            (start..<start + count).reduce(0) { $0 << 8 | UInt64($1 < bytes.count ? bytes[$1] : 0) }
        }
    }

    private static func operations(_ bytes: [UInt8]) -> [Operation] {
        var operations: [Operation] = []
        var rest = bytes[...]
        while rest.count >= 3, operations.count < 256 {
            let start = rest.startIndex
            let length = min(rest.count - 3, Int(rest[start + 1]) << 8 | Int(rest[start + 2]))
            operations.append(Operation(kind: rest[start], bytes: Array(rest[start + 3..<start + 3 + length])))
            rest = rest[(start + 3 + length)...]
        }
        return operations
    }

    private static func message(_ operation: Operation) -> ControlMessage? {
        guard let type = operation.bytes.first else { return nil }
        return try? ControlMessage(type: type, body: Array(operation.bytes.dropFirst()))
    }

    private static func checkReceiver(_ bytes: [UInt8]) throws(PropertyBroken) {
        let sink = CountingSink()
        var receiver = FileReceiver(into: sink)
        var arrived = 0
        for operation in operations(bytes) where receiver.violation == nil {
            let stream = UInt16(operation.number(0, 1) % 64) * 2 + 1
            switch operation.kind % 6 {
            case 0: if let message = message(operation) { receiver.receive(message) }
            case 1: receiver.accept()
            case 2:
                let kind = operation.number(1, 1) % 2 == 0 ? StreamKind.file : .pack
                _ = receiver.open(stream, kind, for: UInt32(operation.number(2, 4)))
            case 3:
                let data = Array(operation.bytes.dropFirst(9))
                arrived += data.count
                // Every bit pattern is a valid byte.
                _ = unsafe receiver.receive(data.span.bytes, on: stream, at: operation.number(1, 8))
            case 4: if receiver.hasWork { receiver.work() }
            default: _ = receiver.takeMessages()
            }
        }
        try require(sink.bytes <= arrived, "\(sink.bytes) bytes were written of \(arrived)")
    }

    private static func checkSender(_ bytes: [UInt8]) throws(PropertyBroken) {
        let entries = [300_000, 10, 0, 70_000].enumerated().map { number, size in
            TransferEntry(
                number: UInt32(number),
                kind: .file,
                mode: 0o600,
                seconds: 0,
                nanoseconds: 0,
                size: UInt64(size),
                path: [UInt8(ascii: "a") + UInt8(number)]
            )
        }
        var sender = FileSender(entries, from: ZeroSource(entries), role: .initiator)
        // All entries are announced.
        _ = sender.takeMessages()
        var packet = [UInt8](repeating: 0, count: 1_500)
        var sent: [OutgoingData] = []
        for operation in operations(bytes) where sender.violation == nil {
            switch operation.kind % 6 {
            case 0: if let message = message(operation) { sender.receive(message) }
            case 1: sender.receive(.accept)
            case 2: if sender.hasWork { sender.work() }
            case 3: if let data = sent.popLast() { sender.lose(data) }
            case 4: if let data = sent.popLast() { sender.acknowledged(data) }
            default:
                _ = sender.takeMessages()
                let item = sender.next(atMost: 1 + Int(operation.number(0, 2) % 1_400), credit: 1 << 20)
                switch item {
                case .data(let data):
                    var span = packet.mutableSpan
                    // Every bit pattern is a valid byte.
                    var raw = unsafe span.mutableBytes
                    if sender.copy(data, to: &raw, at: 0) { sent.append(data) }
                case .open(let stream, _, _): sender.acknowledged(opening: stream)
                case nil: break
                }
            }
        }
    }
}

/// Counts what is written.
private final class CountingSink: FileSink {
    var isDurable: Bool { false }
    private(set) var bytes = 0
    private var stored: [StoredFile] = []

    func begin(_ entry: TransferEntry) -> EntryStart { entry.kind == .file ? .missing : .complete }
    func write(_ bytes: RawSpan, _ value: BLAKE3.ChainingValue, of chunk: UInt64, in entry: UInt32) {
        self.bytes += bytes.byteCount
    }
    func keep(_ known: KnownChunks, of entry: UInt32) {}
    func value(of chunk: UInt64, in entry: UInt32) -> BLAKE3.ChainingValue? { nil }
    func store(_ bytes: RawSpan, as entry: TransferEntry) {
        self.bytes += bytes.byteCount
        stored.append(StoredFile(entry: entry.number, fault: nil))
    }
    var hasStored: Bool { !stored.isEmpty }
    func takeStored() -> [StoredFile] {
        defer { stored = [] }
        return stored
    }
    func finish(_ entry: TransferEntry) {}
    func end() -> Bool { true }
}

/// Files of zeros.
private final class ZeroSource: FileSource {
    private let sizes: [UInt64]

    init(_ entries: [TransferEntry]) { sizes = entries.map(\.size) }

    func read(_ entry: UInt32, at offset: UInt64, into bytes: inout MutableRawSpan) -> Int {
        Int(min(UInt64(bytes.byteCount), sizes[Int(entry)] - min(offset, sizes[Int(entry)])))
    }
}
