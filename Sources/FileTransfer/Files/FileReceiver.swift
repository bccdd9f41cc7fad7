internal import Cryptography

/// Receives the entries of one transfer, without I/O of its own: section 5 of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// waiting ─ OFFER → offered ─ accept() → accepted ─ all entries → finished
///                      └─ refuse() → refused
/// ```
///
/// A chunk is gathered in memory, hashed when it is whole, and written with one call. A file gets its name when its
/// digest is the one that its sender says last.
package struct FileReceiver: SessionContent, ~Copyable {
    package enum State: Equatable, Sendable {
        case waiting, offered, accepted, finished, refused
        case violated(String)
    }

    /// Chunks that are gathered at the same time.
    private static let mostAssemblies = 64
    private static let mostEntries = 1_000_000
    /// Memory that the entries of a transfer may take.
    static let mostEntryBytes = 64 << 20
    private static let entryOverhead = 200

    package private(set) var state = State.waiting
    private let sink: any FileSink
    /// What the offer says.
    package private(set) var name: [UInt8] = []
    package private(set) var isOneFile = false
    /// All entries, once `END` has arrived.
    package private(set) var entries: [TransferEntry] = []
    package private(set) var totalBytes: UInt64 = 0
    /// Bytes of files that have arrived, each once.
    package private(set) var receivedBytes: UInt64 = 0
    /// Verified files and their digests.
    package private(set) var digests: [UInt32: [UInt8]] = [:]
    package private(set) var faults: [UInt32: String] = [:]

    package var violation: String? {
        if case .violated(let reason) = state { reason } else { nil }
    }

    private var hasAllEntries = false
    private var entryBytes = 0
    private var files: [UInt32: IncomingFile] = [:]
    private var streams: [UInt16: UInt32] = [:]
    private var unfinished: Set<UInt32> = []
    private let memory = ChunkMemory(count: FileReceiver.mostAssemblies)
    private var freeSlots = Array(0..<FileReceiver.mostAssemblies)
    private var assemblies: [ChunkAssembly] = []
    private var messages: [[UInt8]] = []

    package init(into sink: any FileSink) { self.sink = sink }

    package mutating func takeMessages() -> [[UInt8]] {
        defer { messages = [] }
        return messages
    }

    package var hasMessages: Bool { !messages.isEmpty }

    // MARK: The user's answer

    /// Accepts the offer, and asks for what is missing.
    package mutating func accept() {
        guard state == .offered else { return }
        state = .accepted
        messages.append(ControlMessage.accept.encoded)
        unfinished = Set(entries.map(\.number))
        for entry in entries { begin(entry) }
        if unfinished.isEmpty { state = .finished }
    }

    package mutating func refuse(code: UInt32 = CloseCode.refused.rawValue, _ reason: String) {
        guard state == .offered else { return }
        state = .refused
        messages.append(ControlMessage.refuse(code: code, reason: reason).encoded)
    }

    private mutating func begin(_ entry: TransferEntry) {
        do throws(FileFault) {
            let chunks = try sink.begin(entry)
            if entry.kind != .file {
                try sink.finish(entry, digest: [])
                report(entry.number, .verified)
                return
            }
            if chunks.isEmpty {
                report(entry.number, .skipped)
                return
            }
            files[entry.number] = IncomingFile(entry)
            for start in stride(from: 0, to: chunks.count, by: ControlMessage.mostRanges) {
                let part = Array(chunks[start..<min(start + ControlMessage.mostRanges, chunks.count)])
                messages.append(ControlMessage.want(entry: entry.number, chunks: part).encoded)
            }
        } catch { fail(entry.number, error) }
    }

    // MARK: The peer's messages

    package mutating func receive(_ message: ControlMessage) {
        switch message {
        case .offer(_, let isOneFile, let name) where state == .waiting && self.name.isEmpty:
            self.isOneFile = isOneFile
            self.name = name
        case .entry(let entry) where state == .waiting && !hasAllEntries:
            guard entry.number == UInt32(entries.count), entries.count < Self.mostEntries else {
                state = .violated("entries out of order")
                return
            }
            // Before anyone has accepted anything.
            entryBytes += Self.entryOverhead + entry.path.count + entry.target.count
            guard entryBytes <= Self.mostEntryBytes else {
                state = .violated("too many entries")
                return
            }
            entries.append(entry)
            totalBytes &+= entry.size
        case .end(let count, let bytes) where state == .waiting && !hasAllEntries:
            guard count == UInt32(entries.count), bytes == totalBytes, !entries.isEmpty else {
                state = .violated("another number of entries")
                return
            }
            hasAllEntries = true
            state = .offered
        case .values(let entry, let first, let values): claim(entry, first, values)
        case .root(let entry, let size, let digest): root(entry, size, digest)
        case .failed(let entry, _, let reason):
            guard state == .accepted, entries.indices.contains(Int(entry)) else {
                state = .violated("a failure of what was not offered")
                return
            }
            fail(entry, FileFault(.unreadable, "the sender says: \(reason)"), isReported: false)
        default: state = .violated("an unexpected message of the sender")
        }
    }

    private mutating func claim(_ entry: UInt32, _ first: UInt64, _ values: [[UInt8]]) {
        guard entries.indices.contains(Int(entry)) else {
            state = .violated("values of what was not offered")
            return
        }
        // Failed meanwhile.
        guard var file = files.removeValue(forKey: entry) else { return }
        for (index, value) in values.enumerated() {
            let (chunk, overflow) = first.addingReportingOverflow(UInt64(index))
            switch overflow ? .noSuchChunk : file.claim(value, of: chunk) {
            case .taken: break
            case .noSuchChunk: state = .violated("values of chunks that the file does not have")
            case .tooMany: state = .violated("too many values before their chunks")
            }
        }
        files[entry] = file
        complete(entry)
    }

    private mutating func root(_ entry: UInt32, _ size: UInt64, _ digest: [UInt8]) {
        guard entries.indices.contains(Int(entry)), entries[Int(entry)].size == size else {
            state = .violated("a root of what was not offered")
            return
        }
        guard var file = files.removeValue(forKey: entry) else { return }
        file.setRoot(digest)
        files[entry] = file
        complete(entry)
    }

    // MARK: Data

    /// A stream for an entry. False: the entry was not asked for.
    package mutating func open(_ stream: UInt16, for entry: UInt32) -> Bool {
        guard state == .accepted || state == .finished, entries.indices.contains(Int(entry)) else { return false }
        streams[stream] = entry
        return true
    }

    /// Bytes of a stream.
    ///
    /// - Returns: the bytes that were missing before, or nil if there is no memory for another chunk now. The packet
    ///   then must not be acknowledged.
    package mutating func receive(_ bytes: RawSpan, on stream: UInt16, at offset: UInt64) -> Int? {
        guard let entry = streams[stream] else { return nil }
        // Failed meanwhile, or complete.
        guard let size = files[entry]?.entry.size else { return 0 }
        let chunk = offset / UInt64(BLAKE3.Piece.length)
        let start = Int(offset % UInt64(BLAKE3.Piece.length))
        let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.byteCount))
        guard !overflow, end <= size, start + bytes.byteCount <= BLAKE3.Piece.length else {
            state = .violated("bytes behind the end of a file or chunk")
            return 0
        }
        if files[entry]?.hasChunk(chunk) ?? true { return 0 }
        guard let index = assembly(of: chunk, in: entry, size: size) else { return nil }
        memory.withMutableBytes(assemblies[index].slot, length: assemblies[index].length) { memory in
            copyBytes(bytes, to: &memory, at: start)
        }
        let new = assemblies[index].add(start..<start + bytes.byteCount)
        receivedBytes += UInt64(new)
        if assemblies[index].isComplete { finish(assemblies.remove(at: index)) }
        return new
    }

    private mutating func assembly(of chunk: UInt64, in entry: UInt32, size: UInt64) -> Int? {
        if let known = assemblies.lastIndex(where: { $0.chunk == chunk && $0.entry == entry }) { return known }
        guard let slot = freeSlots.popLast() else { return nil }
        let start = chunk * UInt64(BLAKE3.Piece.length)
        let length = Int(min(UInt64(BLAKE3.Piece.length), size - start))
        assemblies.append(ChunkAssembly(entry: entry, chunk: chunk, slot: slot, length: length))
        return assemblies.count - 1
    }

    private mutating func finish(_ assembly: ChunkAssembly) {
        defer { freeSlots.append(assembly.slot) }
        let piece = memory.withBytes(assembly.slot, length: assembly.length) {
            BLAKE3.Piece($0, number: assembly.chunk)
        }
        do throws(FileFault) {
            try write(assembly)
        } catch {
            fail(assembly.entry, error)
            return
        }
        files[assembly.entry]?.add(piece)
        complete(assembly.entry)
    }

    private mutating func write(_ assembly: ChunkAssembly) throws(FileFault) {
        var fault: FileFault?
        memory.withBytes(assembly.slot, length: assembly.length) { bytes in
            do throws(FileFault) {
                try sink.write(bytes, of: assembly.entry, at: assembly.chunk * UInt64(BLAKE3.Piece.length))
            } catch { fault = error }
        }
        if let fault { throw fault }
    }

    private mutating func complete(_ entry: UInt32) {
        guard let file = files[entry] else { return }
        if let chunk = file.wrongChunk {
            fail(entry, FileFault(.notVerified, "chunk \(chunk) is not what its sender hashed; send the file again"))
            return
        }
        guard file.isComplete else { return }
        guard let digest = file.verifiedDigest() else {
            fail(entry, FileFault(.notVerified, "its digest is not the sender's; send the file again"))
            return
        }
        do throws(FileFault) {
            try sink.finish(file.entry, digest: digest)
            digests[entry] = digest
            files[entry] = nil
            report(entry, .verified)
        } catch { fail(entry, error) }
    }

    private mutating func fail(_ entry: UInt32, _ fault: FileFault, isReported: Bool = true) {
        files[entry] = nil
        for assembly in assemblies where assembly.entry == entry { freeSlots.append(assembly.slot) }
        assemblies.removeAll { $0.entry == entry }
        if faults[entry] == nil { faults[entry] = fault.description }
        report(entry, .failed, fault.description)
    }

    private mutating func report(_ entry: UInt32, _ status: ReceivedStatus, _ reason: String = "") {
        guard unfinished.remove(entry) != nil else { return }
        messages.append(ControlMessage.received(entry: entry, status: status, reason: reason).encoded)
        if unfinished.isEmpty, state == .accepted { state = .finished }
    }
}
