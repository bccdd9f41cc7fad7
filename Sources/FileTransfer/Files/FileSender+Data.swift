internal import Cryptography

/// A chunk that is kept after it was sent, for those of its packets that are lost.
struct KeptChunk {
    var entry: UInt32 = .max
    var chunk: UInt64 = .max
    var length = 0
}

extension FileSender {
    static let keptChunks = 32
    /// Hashed in one call, and those whose values are known: some milliseconds.
    private static let chunksAtOnce = 4
    private static let knownAtOnce = 4_096
    private static let valuesInMessage = 16
    /// Messages that may wait before chunks are hashed that are not sent.
    private static let mostMessages = 256

    /// What goes into the next packet; nil if there is nothing to send now.
    ///
    /// - Parameters:
    ///   - limit: bytes of payload that a packet has.
    ///   - credit: bytes that the peer admits beside those that were sent.
    package mutating func next(atMost limit: Int, credit: UInt64) -> OutgoingItem? {
        if let data = nextLost(atMost: limit) { return .data(data) }
        guard state == .accepted, credit > 0 else { return nil }
        let room = min(limit, Int(clamping: credit))
        if let item = nextPacked(atMost: room) { return item }
        return nextOfFile(atMost: room)
    }

    private mutating func nextLost(atMost limit: Int) -> OutgoingData? {
        if let data = pack.takeLost(atMost: limit) {
            streams.sent(data.stream)
            return data
        }
        guard var data = lost.popLast() else { return nil }
        guard data.length > limit else { return data }
        // The path takes less than before.
        var rest = data
        rest.offset += UInt64(limit)
        rest.length -= limit
        lost.append(rest)
        streams.sent(data.stream)
        data.length = limit
        data.isFinal = false
        return data
    }

    // MARK: Small files

    private mutating func nextPacked(atMost limit: Int) -> OutgoingItem? {
        if pack.unsent < limit { fillPack() }
        guard pack.unsent > 0 else { return nil }
        guard pack.stream != nil else {
            guard let stream = streams.open(for: 0) else { return nil }
            pack.stream = stream
            streams.sent(stream)
            return .open(stream: stream, kind: .pack, entry: 0)
        }
        guard var data = pack.take(atMost: limit) else { return nil }
        // The receiver has nothing to wait for behind it.
        data.asksAcknowledgment = pack.unsent == 0 && !pack.hasWanted
        sentBytes += UInt64(data.length)
        streams.sent(data.stream)
        return .data(data)
    }

    private mutating func fillPack() {
        while pack.unsent < PackSender.readAhead, let number = pack.nextEntry() {
            let entry = entries[Int(number)]
            let slot = nextSlot
            kept[slot] = KeptChunk()
            do throws(FileFault) {
                // Whether it has grown is seen by the check.
                let read = try memory.withMutableBytes(slot, length: Int(entry.size)) { bytes throws(FileFault) in
                    try source.read(number, at: 0, into: &bytes)
                }
                guard read == Int(entry.size) else {
                    throw FileFault(.changed, "the file's size changed since it was offered; send it again")
                }
                try source.check(number)
            } catch {
                fail(number, error)
                continue
            }
            let digest = memory.withBytes(slot, length: Int(entry.size)) { BLAKE3.hash($0) }
            digests[number] = digest
            movedBytes += entry.size
            memory.withBytes(slot, length: Int(entry.size)) { pack.add(number, $0, digest) }
        }
    }

    // MARK: Large files

    private mutating func nextOfFile(atMost limit: Int) -> OutgoingItem? {
        while true {
            if current == nil { current = takeWanted() }
            guard var file = current.take() else { return nil }
            do throws(FileFault) {
                switch try prepare(&file) {
                case .loaded: return nextData(of: file, atMost: limit)
                case .done: break
                case .unhashed:
                    // Messages that wait go out when the peer acknowledges those before.
                    hasWork = messages.count < Self.mostMessages
                    current = file
                    return nil
                }
            } catch { end(file, error) }
        }
    }

    /// A file that can no longer be read.
    private mutating func end(_ file: OutgoingFile, _ fault: FileFault) {
        fail(file.entry, fault)
        if let stream = file.stream { streams.finish(stream) }
    }

    private mutating func nextData(of loaded: OutgoingFile, atMost limit: Int) -> OutgoingItem? {
        var file = loaded
        defer { current = file }
        guard let stream = file.stream else {
            guard let stream = streams.open(for: file.entry) else { return nil }
            file.stream = stream
            streams.sent(stream)
            return .open(stream: stream, kind: .file, entry: file.entry)
        }
        let length = Int(min(UInt64(limit), file.chunkEnd - file.offset))
        var data = OutgoingData(stream: stream, offset: file.offset, length: length, isFinal: false)
        file.offset += UInt64(length)
        sentBytes += UInt64(length)
        movedBytes += UInt64(length)
        streams.sent(stream)
        if file.offset == file.chunkEnd {
            file.slot = nil
            if file.chunks.isEmpty {
                data.isFinal = true
                // Its number may get another use while the rest of the file is hashed.
                file.stream = nil
                streams.finish(stream)
            }
        }
        return .data(data)
    }

    private enum Preparation { case loaded, unhashed, done }

    /// Loads the next chunk that the receiver wants, unless one is loaded.
    private mutating func prepare(_ file: inout OutgoingFile) throws(FileFault) -> Preparation {
        if file.slot != nil { return .loaded }
        guard file.isRepeat || file.fold.count == file.nextStop else { return .unhashed }
        guard let chunk = file.takeChunk() else {
            try finish(&file)
            return .done
        }
        let slot = nextSlot
        nextSlot = (nextSlot + 1) % Self.keptChunks
        let value = try hash(chunk, of: file, in: slot)
        if file.isRepeat {
            guard file.values[Int(chunk)] == value else { throw Self.changed }
        } else {
            file.add(value)
            sayValues(&file, atLeast: Self.valuesInMessage)
        }
        file.slot = slot
        file.offset = chunk * UInt64(BLAKE3.Piece.length)
        file.chunkEnd = file.offset + UInt64(file.length(of: chunk))
        return .loaded
    }

    /// Hashes chunks of the current file that the receiver has. Their values go out as well, because the root is over
    /// all of them.
    package mutating func work() {
        hasWork = false
        guard var file = current.take() else { return }
        do throws(FileFault) {
            try passOver(&file)
            current = file
        } catch { end(file, error) }
    }

    private mutating func passOver(_ file: inout OutgoingFile) throws(FileFault) {
        var hashed = 0
        var known = 0
        while file.fold.count < file.nextStop, hashed < Self.chunksAtOnce, known < Self.knownAtOnce,
            messages.count < Self.mostMessages
        {
            let chunk = file.fold.count
            if let value = source.value(of: chunk, in: file.entry) {
                known += 1
                file.add(value)
            } else {
                hashed += 1
                file.add(try hash(chunk, of: file, in: nextSlot))
            }
            sayValues(&file, atLeast: known > 0 ? ControlMessage.mostValues : Self.valuesInMessage)
        }
    }

    /// Reads a chunk into memory and hashes it there.
    private mutating func hash(
        _ chunk: UInt64,
        of file: OutgoingFile,
        in slot: Int
    ) throws(FileFault) -> BLAKE3.ChainingValue {
        kept[slot] = KeptChunk()
        let length = file.length(of: chunk)
        let read = try memory.withMutableBytes(slot, length: length) { (bytes) throws(FileFault) -> Int in
            try source.read(file.entry, at: chunk * UInt64(BLAKE3.Piece.length), into: &bytes)
        }
        guard read == length else { throw Self.changed }
        kept[slot] = KeptChunk(entry: file.entry, chunk: chunk, length: length)
        let value = memory.withBytes(slot, length: length) {
            BLAKE3.Piece($0, number: chunk).value(isAlone: file.chunkCount == 1)
        }
        // What it was in an earlier transfer, unless the file is not what its times say.
        if let known = source.value(of: chunk, in: file.entry) {
            guard known == value else { throw Self.changed }
        } else {
            source.keep(value, of: chunk, in: file.entry)
        }
        return value
    }

    private static var changed: FileFault {
        FileFault(.changed, "the file changed while it was sent; send it again")
    }

    private mutating func sayValues(_ file: inout OutgoingFile, atLeast count: Int) {
        while file.values.count - file.saidValues >= max(1, count) {
            let end = min(file.values.count, file.saidValues + ControlMessage.mostValues)
            let values = file.values[file.saidValues..<end].map { Array($0) }
            messages.append(
                ControlMessage.values(entry: file.entry, first: UInt64(file.saidValues), values).encoded
            )
            file.saidValues = end
        }
    }

    /// After the last chunk.
    private mutating func finish(_ file: inout OutgoingFile) throws(FileFault) {
        try source.check(file.entry)
        guard !file.isRepeat, let digest = file.digest else { return }
        sayValues(&file, atLeast: 1)
        saidValues[file.entry] = file.values
        digests[file.entry] = digest
        messages.append(ControlMessage.root(entry: file.entry, size: file.size, digest: Array(digest)).encoded)
    }

    // MARK: Packets

    /// Copies what ``next(atMost:credit:)`` returned into a packet. False: it can no longer be read.
    package mutating func copy(_ data: OutgoingData, to packet: inout MutableRawSpan, at position: Int) -> Bool {
        if data.stream == pack.stream {
            pack.copy(data, to: &packet, at: position)
            return true
        }
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
            guard try source.read(entry, at: data.offset, into: &target) == data.length else { throw Self.changed }
            return true
        } catch {
            fail(entry, error)
            return false
        }
    }

    package func use(of stream: UInt16) -> UInt16 { streams.use(of: stream) }

    package mutating func acknowledged(opening stream: UInt16) { streams.acknowledged(stream) }

    package mutating func acknowledged(_ data: OutgoingData) {
        if data.stream == pack.stream { pack.acknowledge(data) }
        streams.acknowledged(data.stream)
    }

    /// A packet with this data was lost. It goes out again before anything new.
    package mutating func lose(_ data: OutgoingData) {
        guard data.stream == pack.stream else { return lost.append(data) }
        // Its packets are counted again when they are sent.
        streams.acknowledged(data.stream)
        pack.lose(data)
    }
}
