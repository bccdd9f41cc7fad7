internal import Cryptography

/// Sends the entries of one transfer, without I/O of its own: section 5 of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// offered ─ ACCEPT → accepted ─ all entries received → finished
///    └─ REFUSE → refused
/// ```
///
/// A chunk is read once, hashed while it is in the cache, and sent from there. What is lost is sent from the same
/// memory as long as it is kept, otherwise read again.
package struct FileSender: SessionContent, ~Copyable {
    package enum State: Equatable, Sendable {
        case offered, accepted, finished
        case refused(code: UInt32, reason: String)
        /// The peer did what the protocol forbids.
        case violated(String)
    }

    /// Chunks that are kept after they were sent once, for those packets that are lost.
    private static let keptChunks = 32

    private struct Kept {
        var entry: UInt32 = .max
        var chunk: UInt64 = .max
        var length = 0
    }

    /// The entry that is being sent.
    private struct Current {
        let entry: UInt32
        let stream: UInt16
        let size: UInt64
        /// What is left, in chunks.
        var chunks: [Range<UInt64>]
        /// The memory of the chunk that is being sent.
        var slot: Int?
        var offset: UInt64 = 0
        var chunkEnd: UInt64 = 0
        var fold = BLAKE3.Fold()
        /// Values that were not sent yet, from this chunk on.
        var valuesFrom: UInt64 = 0
        var values: [[UInt8]] = []
    }

    package private(set) var state = State.offered
    private let source: any FileSource
    private let entries: [TransferEntry]
    private var streams: SendingStreams
    private var wanted: [(entry: UInt32, chunks: [Range<UInt64>])] = []
    private var current: Current?
    private var lost: [OutgoingData] = []
    private let memory = ChunkMemory(count: FileSender.keptChunks)
    private var kept = [Kept](repeating: Kept(), count: FileSender.keptChunks)
    private var nextSlot = 0
    private var openEntries: Set<UInt32> = []
    /// Control messages that wait to be sent, already encoded.
    private var messages: [[UInt8]] = []
    /// Bytes of files whose sending was begun, and those whose verification the peer reported.
    package private(set) var sentBytes: UInt64 = 0
    package private(set) var results: [UInt32: ReceivedStatus] = [:]
    package private(set) var faults: [UInt32: String] = [:]
    /// The digests that were sent.
    package private(set) var digests: [UInt32: [UInt8]] = [:]

    /// Offers the entries. Their numbers are their positions.
    package init(
        _ entries: [TransferEntry],
        name: [UInt8],
        from source: any FileSource,
        role: HandshakeRole
    ) {
        self.entries = entries
        self.source = source
        streams = SendingStreams(role)
        openEntries = Set(entries.map(\.number))
        let isOneFile = entries.count == 1 && entries[0].kind == .file
        messages.append(
            ControlMessage.offer(transfer: [UInt8](randomCount: 16), isOneFile: isOneFile, name: name).encoded
        )
        for entry in entries { messages.append(ControlMessage.entry(entry).encoded) }
        let bytes = entries.reduce(0) { $0 + $1.size }
        messages.append(ControlMessage.end(entries: UInt32(entries.count), bytes: bytes).encoded)
    }

    package var violation: String? {
        if case .violated(let reason) = state { reason } else { nil }
    }

    /// The control messages to send now.
    package mutating func takeMessages() -> [[UInt8]] {
        defer { messages = [] }
        return messages
    }

    package var hasMessages: Bool { !messages.isEmpty }

    // MARK: The peer's messages

    /// Reads a control message of the receiver.
    package mutating func receive(_ message: ControlMessage) {
        switch message {
        case .accept where state == .offered: state = .accepted
        case .refuse(let code, let reason) where state == .offered: state = .refused(code: code, reason: reason)
        case .want(let entry, let chunks): want(entry, chunks)
        case .received(let entry, let status, let reason): received(entry, status, reason)
        default: state = .violated("an unexpected message of the receiver")
        }
    }

    private mutating func want(_ entry: UInt32, _ chunks: [Range<UInt64>]) {
        guard state == .accepted, entries.indices.contains(Int(entry)), entries[Int(entry)].kind == .file,
            openEntries.contains(entry), current?.entry != entry, !wanted.contains(where: { $0.entry == entry }),
            chunks.last?.upperBound ?? 0 <= BLAKE3.Piece.count(of: entries[Int(entry)].size)
        else {
            state = .violated("a request for what was not offered")
            return
        }
        wanted.append((entry, chunks))
    }

    private mutating func received(_ entry: UInt32, _ status: ReceivedStatus, _ reason: String) {
        guard state == .accepted, openEntries.remove(entry) != nil else {
            state = .violated("a report on what was not offered")
            return
        }
        results[entry] = status
        if status == .failed, faults[entry] == nil { faults[entry] = reason }
        if openEntries.isEmpty { state = .finished }
    }

    // MARK: Data

    /// What goes into the next packet; nil if there is nothing to send now.
    ///
    /// - Parameters:
    ///   - limit: bytes of payload that a packet has.
    ///   - credit: bytes that the peer admits beside those that were sent.
    package mutating func next(atMost limit: Int, credit: UInt64) -> OutgoingItem? {
        if let data = lost.popLast() {
            if data.length > limit {
                // The path takes less than before.
                var rest = data
                rest.offset += UInt64(limit)
                rest.length -= limit
                lost.append(rest)
                streams.sent(data.stream)
                var part = data
                part.length = limit
                part.isFinal = false
                return .data(part)
            }
            return .data(data)
        }
        if current == nil {
            guard state == .accepted, !wanted.isEmpty, let stream = streams.open(for: wanted[0].entry) else {
                return nil
            }
            let (entry, chunks) = wanted.removeFirst()
            current = Current(entry: entry, stream: stream, size: entries[Int(entry)].size, chunks: chunks)
            streams.sent(stream)
            return .open(stream: stream, entry: entry)
        }
        guard credit > 0 || current?.size == 0 else { return nil }
        return nextNew(atMost: min(limit, Int(clamping: credit))).map { .data($0) }
    }

    private mutating func nextNew(atMost limit: Int) -> OutgoingData? {
        guard var file = current else { return nil }
        if file.slot == nil {
            guard load(&file) else {
                current = nil
                return nil
            }
        }
        let length = Int(min(UInt64(limit), file.chunkEnd - file.offset))
        var data = OutgoingData(
            stream: file.stream,
            offset: file.offset,
            length: length,
            isFinal: false
        )
        file.offset += UInt64(length)
        sentBytes += UInt64(length)
        if file.offset == file.chunkEnd {
            file.slot = nil
            if file.chunks.isEmpty {
                data.isFinal = true
                finish(&file)
                streams.sent(file.stream)
                streams.finish(file.stream)
                current = nil
                return data
            }
        }
        streams.sent(file.stream)
        current = file
        return data
    }

    /// Reads and hashes the next chunk. False: the file cannot be read, and its stream ends without it.
    private mutating func load(_ file: inout Current) -> Bool {
        let chunk = file.chunks[0].lowerBound
        let rest = chunk + 1..<file.chunks[0].upperBound
        if rest.isEmpty { file.chunks.removeFirst() } else { file.chunks[0] = rest }
        let slot = nextSlot
        nextSlot = (nextSlot + 1) % Self.keptChunks
        kept[slot] = Kept()
        do throws(FileFault) {
            // Chunks that the receiver has are hashed as well, because the root is over all of them.
            while file.fold.count < chunk { try hash(file.fold.count, of: &file, in: slot) }
            let length = try hash(chunk, of: &file, in: slot)
            kept[slot] = Kept(entry: file.entry, chunk: chunk, length: length)
            file.slot = slot
            file.offset = chunk * UInt64(BLAKE3.Piece.length)
            file.chunkEnd = file.offset + UInt64(length)
            return true
        } catch {
            fail(file.entry, error)
            streams.finish(file.stream)
            return false
        }
    }

    /// Reads a chunk into memory, hashes it there, and keeps its value for VALUES.
    @discardableResult
    private mutating func hash(_ chunk: UInt64, of file: inout Current, in slot: Int) throws(FileFault) -> Int {
        let offset = chunk * UInt64(BLAKE3.Piece.length)
        let length = Int(min(UInt64(BLAKE3.Piece.length), file.size - offset))
        let read = try memory.withMutableBytes(slot, length: length) { (bytes) throws(FileFault) -> Int in
            try source.read(file.entry, at: offset, into: &bytes)
        }
        guard read == length else {
            throw FileFault(.changed, "the file became shorter while it was sent")
        }
        let piece = memory.withBytes(slot, length: length) { BLAKE3.Piece($0, number: chunk) }
        file.fold.append(piece)
        if file.values.isEmpty { file.valuesFrom = chunk }
        let isAlone = BLAKE3.Piece.count(of: file.size) == 1
        file.values.append(isAlone ? Array(piece.digestIfAlone ?? BLAKE3.hash(RawSpan())) : Array(piece.chainingValue))
        if file.values.count == 16 { flushValues(&file) }
        return length
    }

    private mutating func flushValues(_ file: inout Current) {
        guard !file.values.isEmpty else { return }
        messages.append(ControlMessage.values(entry: file.entry, first: file.valuesFrom, file.values).encoded)
        file.values = []
    }

    /// After the last chunk that the receiver wants.
    private mutating func finish(_ file: inout Current) {
        do throws(FileFault) {
            let slot = nextSlot
            if file.fold.count < BLAKE3.Piece.count(of: file.size) {
                kept[slot] = Kept()
                while file.fold.count < BLAKE3.Piece.count(of: file.size) {
                    try hash(file.fold.count, of: &file, in: slot)
                }
            }
            flushValues(&file)
            guard let digest = file.fold.digest else { return }
            digests[file.entry] = Array(digest)
            messages.append(ControlMessage.root(entry: file.entry, size: file.size, digest: Array(digest)).encoded)
        } catch { fail(file.entry, error) }
    }

    private mutating func fail(_ entry: UInt32, _ fault: FileFault) {
        faults[entry] = fault.description
        messages.append(
            ControlMessage.failed(entry: entry, code: fault.code.rawValue, reason: fault.description).encoded
        )
    }

    /// Copies what ``next(atMost:credit:)`` returned into a packet. False: it can no longer be read.
    package mutating func copy(_ data: OutgoingData, to packet: inout MutableRawSpan, at position: Int) -> Bool {
        let entry = streams.entry(of: data.stream)
        let chunk = data.offset / UInt64(BLAKE3.Piece.length)
        let start = Int(data.offset % UInt64(BLAKE3.Piece.length))
        if let slot = kept.firstIndex(where: { $0.chunk == chunk && $0.entry == entry }) {
            memory.withBytes(slot, length: kept[slot].length) { bytes in
                copyBytes(bytes.extracting(start..<start + data.length), to: &packet, at: position)
            }
            return true
        }
        do throws(FileFault) {
            var target = packet._mutatingExtracting(position..<position + data.length)
            guard try source.read(entry, at: data.offset, into: &target) == data.length else {
                throw FileFault(.changed, "the file became shorter while it was sent")
            }
            return true
        } catch {
            fail(entry, error)
            return false
        }
    }

    package func use(of stream: UInt16) -> UInt16 { streams.use(of: stream) }

    package mutating func acknowledged(_ stream: UInt16) { streams.acknowledged(stream) }

    /// A packet with this data was lost. It goes out again before anything new.
    package mutating func lose(_ data: OutgoingData) { lost.append(data) }
}
