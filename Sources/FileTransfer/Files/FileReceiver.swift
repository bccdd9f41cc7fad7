package import Cryptography

/// Receives the entries of one transfer, without I/O of its own: section 5 of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// waiting ─ OFFER, entries, END → offered ─ accept() → accepted ─ all entries → finished
///                                      └─ refuse() → refused
/// ```
///
/// Large files come in chunks, each of which is gathered in memory, hashed when it is whole, and written with one
/// call. A file gets its name when its digest is the one that its sender says last. Small files come in the pack
/// stream, and are verified in memory.
///
/// What takes long is done in ``work()``, a part at a time, so that the session answers meanwhile.
package struct FileReceiver: SessionContent, ~Copyable {
    package enum State: Equatable, Sendable {
        case waiting, offered, accepted, finished, refused
        case violated(String)
    }

    private enum EntryState: UInt8 {
        /// Nothing was done for it.
        case offered
        case begun
        /// Received, skipped or failed.
        case done
    }

    /// Chunks of an earlier transfer that are hashed again.
    private struct Recheck {
        let entry: UInt32
        let claimed: KnownChunks
        var next = 0
        var proven = KnownChunks()
        var wrong: [UInt64] = []
    }

    /// Chunks that are gathered at the same time.
    static let mostAssemblies = 64
    private static let mostEntries = 1_000_000
    /// Memory that the entries of a transfer may take.
    static let mostEntryBytes = 64 << 20
    private static let entryOverhead = 200
    /// Memory that the reasons of failures may take; later ones are short.
    private static let mostFaultBytes = 8 << 20
    /// Values of all files that may wait for their chunks: those of 64 GiB.
    private static let mostClaims = 4 * IncomingFile.mostClaims
    /// Of one call of ``work()``: some milliseconds.
    private static let entriesAtOnce = 32
    private static let chunksAtOnce = 4

    package internal(set) var state = State.waiting
    let sink: any FileSink
    /// What the offer says.
    package private(set) var name: [UInt8] = []
    package private(set) var isOneFile = false
    /// All entries, once `END` has arrived.
    package private(set) var entries: [TransferEntry] = []
    package private(set) var totalBytes: UInt64 = 0
    /// Bytes of files that have arrived, each once.
    package internal(set) var receivedBytes: UInt64 = 0
    /// Bytes of files that were here before, verified.
    package private(set) var keptBytes: UInt64 = 0
    /// Verified files and their digests.
    package private(set) var digests = EntryTable<BLAKE3.Digest>()
    package private(set) var faults: [UInt32: String] = [:]
    private var faultBytes = 0
    /// Whether a file is not what its sender hashed.
    package private(set) var hasWrongFile = false
    package private(set) var skipped: Set<UInt32> = []
    /// What a person should know, a line each: at most one for an entry.
    package private(set) var notices: [String] = []

    package var violation: String? {
        if case .violated(let reason) = state { reason } else { nil }
    }

    private var hasAllEntries = false
    private var entryBytes = 0
    private var states: [EntryState] = []
    private var doneEntries = 0
    private var nextToBegin = 0
    private var rechecks: [Recheck] = []
    var files: [UInt32: IncomingFile] = [:]
    var streams = [IncomingTarget?](repeating: nil, count: SendingStreams.most + 1)
    var pack = PackReceiver()
    /// Digests of the small files that the sink is making: at most those of the credit that the sender has.
    var storing: [UInt32: BLAKE3.Digest] = [:]
    let memory = ChunkMemory(count: FileReceiver.mostAssemblies)
    var freeSlots = Array(0..<FileReceiver.mostAssemblies)
    var assemblies: [ChunkAssembly] = []
    var claims = 0
    private var messages: [[UInt8]] = []
    /// Entries to ask for, and verified ones to report, that go into one message.
    private var wantedSmall = EntryRanges()
    private var verified = EntryRanges()
    /// It comes after the last report.
    private var unsentReceipt: Receipt?

    private let signer: ReceiptSigner?
    /// Signed by this end when each entry has its result and a file was verified; later by the sender, too.
    package private(set) var receipt: Receipt?
    /// What it is about, in its order.
    package private(set) var receiptFiles: [ReceiptFile] = []

    /// - Parameter signer: makes the receipt; nil makes none.
    package init(into sink: any FileSink, signer: ReceiptSigner? = nil) {
        self.sink = sink
        self.signer = signer
    }

    /// Whether it is finished, and the sender has signed the receipt if there is one.
    package var isSettled: Bool { state == .finished && (receipt == nil || receipt?.senderSignature != nil) }

    package mutating func takeMessages() -> [[UInt8]] {
        for ranges in wantedSmall.take() { messages.append(ControlMessage.wantSmall(ranges).encoded) }
        for ranges in verified.take() { messages.append(ControlMessage.verified(ranges).encoded) }
        if let receipt = unsentReceipt.take(), let signature = receipt.receiverSignature {
            let signed = Receipt.Signed(time: receipt.time, isDurable: receipt.isDurable, signature: signature)
            messages.append(ControlMessage.receipt(signed).encoded)
        }
        defer { messages = [] }
        return messages
    }

    package var hasMessages: Bool {
        !messages.isEmpty || !wantedSmall.isEmpty || !verified.isEmpty || unsentReceipt != nil
    }

    // MARK: The user's answer

    /// Accepts the offer. ``work()`` then asks for what is missing.
    package mutating func accept() {
        guard state == .offered else { return }
        state = .accepted
        messages.append(ControlMessage.accept.encoded)
        states = Array(repeating: .offered, count: entries.count)
    }

    package mutating func refuse(code: UInt32 = CloseCode.refused.rawValue, _ reason: String) {
        guard state == .offered else { return }
        state = .refused
        messages.append(ControlMessage.refuse(code: code, reason: reason).encoded)
    }

    /// Small files that may wait for the disk until the sender gets no more credit.
    private static let mostStoring = 256
    /// Those that may wait at all. The credit that the sender has is enough for more only if they are tiny.
    static let mostWaiting = 65_536

    package var takesMore: Bool { storing.count < Self.mostStoring }

    package var hasWork: Bool {
        state == .accepted
            && (nextToBegin < entries.count || !rechecks.isEmpty || isAllReported || isAwaitingSink && sink.hasStored)
    }

    package var isAwaitingSink: Bool { !storing.isEmpty }

    /// Whether only the folders' permissions and times are left.
    private var isAllReported: Bool { doneEntries == entries.count && nextToBegin == entries.count }

    package mutating func work() {
        guard state == .accepted else { return }
        noteStored()
        if !rechecks.isEmpty { return recheck() }
        let end = min(entries.count, nextToBegin + Self.entriesAtOnce)
        while nextToBegin < end, state == .accepted, rechecks.isEmpty {
            nextToBegin += 1
            begin(entries[nextToBegin - 1])
        }
        finishIfDone()
    }

    private mutating func begin(_ entry: TransferEntry) {
        // The sender may have failed before.
        guard states[Int(entry.number)] == .offered else { return }
        states[Int(entry.number)] = .begun
        do throws(FileFault) {
            switch try sink.begin(entry) {
            case .complete: report(entry.number, .verified)
            case .skipped:
                skipped.insert(entry.number)
                keptBytes += entry.size
                report(entry.number, .skipped)
            case .missing where entry.isSmall: wantedSmall.add(entry.number)
            case .missing: ask(entry, KnownChunks())
            case .partial(let known): ask(entry, known)
            case .unproven(let known): rechecks.append(Recheck(entry: entry.number, claimed: known))
            }
        } catch { fail(entry.number, error) }
    }

    private mutating func ask(_ entry: TransferEntry, _ known: KnownChunks) {
        let file = IncomingFile(entry, known: known)
        var missing = known.missing(of: file.chunkCount)
        if let last = missing.last, missing.count > ControlMessage.mostRanges {
            // Some chunks come again.
            let start = missing[ControlMessage.mostRanges - 1].lowerBound
            missing.removeSubrange((ControlMessage.mostRanges - 1)...)
            missing.append(start..<last.upperBound)
        }
        keptBytes += entry.size - BLAKE3.Piece.length(of: missing, in: entry.size)
        files[entry.number] = file
        messages.append(ControlMessage.want(entry: entry.number, chunks: missing).encoded)
    }

    private mutating func recheck() {
        guard var task = rechecks.popLast() else { return }
        do throws(FileFault) {
            for _ in 0..<Self.chunksAtOnce where task.next < task.claimed.count {
                let chunk = task.claimed.numbers[task.next]
                let value = task.claimed.values[task.next]
                task.next += 1
                if try sink.value(of: chunk, in: task.entry) == value {
                    task.proven.add(chunk, value)
                } else {
                    task.wrong.append(chunk)
                }
            }
        } catch { return fail(task.entry, error) }
        guard task.next == task.claimed.count else { return rechecks.append(task) }
        let entry = entries[Int(task.entry)]
        if !task.wrong.isEmpty {
            let name = String(decoding: entry.path, as: UTF8.self)
            let list = task.wrong.prefix(8).map(String.init).joined(separator: ", ")
            let more = task.wrong.count > 8 ? ", …" : ""
            notices.append(
                "\(name): \(task.wrong.count) of \(task.claimed.count) chunks from an earlier transfer are damaged "
                    + "(\(list)\(more)), and come again"
            )
        }
        do throws(FileFault) {
            try sink.keep(task.proven, of: task.entry)
            ask(entry, task.proven)
        } catch { fail(task.entry, error) }
    }

    // MARK: The peer's messages

    package mutating func receive(_ message: ControlMessage) {
        switch message {
        case .offer(_, let isOneFile, let name) where state == .waiting && self.name.isEmpty:
            self.isOneFile = isOneFile
            self.name = name
        case .entry(let entry) where state == .waiting && !hasAllEntries: add(entry)
        case .end(let count, let bytes) where state == .waiting && !hasAllEntries:
            guard count == UInt32(entries.count), bytes == totalBytes, !entries.isEmpty else {
                state = .violated("another number of entries")
                return
            }
            hasAllEntries = true
            state = .offered
        case .values(let entry, let first, let values): claim(entry, first, values)
        case .root(let entry, let size, let digest): root(entry, size, digest)
        case .receipt(let signed): countersign(signed)
        case .failed(let entry, _, let reason):
            // What is lost may fail to be read again when all of it is here.
            guard state == .accepted || state == .finished, entries.indices.contains(Int(entry)) else {
                state = .violated("a failure of what was not offered")
                return
            }
            fail(entry, FileFault(.unreadable, "the sender says: \(reason)"))
        default: state = .violated("an unexpected message of the sender")
        }
    }

    private mutating func add(_ entry: TransferEntry) {
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
        let (total, overflow) = totalBytes.addingReportingOverflow(entry.size)
        guard !overflow, total <= UInt64(Int64.max) else {
            state = .violated("files that are too large together")
            return
        }
        entries.append(entry)
        totalBytes = total
    }

    private mutating func claim(_ entry: UInt32, _ first: UInt64, _ values: [[UInt8]]) {
        guard entries.indices.contains(Int(entry)) else {
            state = .violated("values of what was not offered")
            return
        }
        // Failed meanwhile.
        guard var file = files.removeValue(forKey: entry) else { return }
        claims -= file.claimCount
        guard claims + file.claimCount + values.count <= Self.mostClaims else {
            state = .violated("too many values before their chunks")
            return
        }
        for (index, value) in values.enumerated() {
            let (chunk, overflow) = first.addingReportingOverflow(UInt64(index))
            switch overflow ? .noSuchChunk : file.claim(value, of: chunk) {
            case .taken: break
            case .noSuchChunk: state = .violated("values of chunks that the file does not have")
            case .tooMany: state = .violated("too many values before their chunks")
            }
        }
        claims += file.claimCount
        files[entry] = file
        complete(entry)
    }

    private mutating func root(_ entry: UInt32, _ size: UInt64, _ digest: [UInt8]) {
        guard entries.indices.contains(Int(entry)), entries[Int(entry)].size == size else {
            state = .violated("a root of what was not offered")
            return
        }
        guard var file = files.removeValue(forKey: entry) else { return }
        let isFirst = file.setRoot(digest)
        let stale = file.staleChunks
        files[entry] = file
        guard isFirst else {
            // Each would be answered with a request.
            state = .violated("a root that comes twice")
            return
        }
        guard stale.count <= ControlMessage.mostRanges else {
            return fail(
                entry,
                FileFault(
                    .changed,
                    "it changed in too many places since the last transfer; remove its part, and send it again"
                )
            )
        }
        if !stale.isEmpty {
            let count = stale.reduce(0) { $0 + $1.count }
            keptBytes -= min(keptBytes, UInt64(count * BLAKE3.Piece.length))
            notices.append(
                "\(String(decoding: entries[Int(entry)].path, as: UTF8.self)): changed at the sender since the last transfer; "
                    + "\(count) chunks come again"
            )
            messages.append(ControlMessage.want(entry: entry, chunks: stale).encoded)
        }
        complete(entry)
    }

    // MARK: What becomes of an entry

    func isBegun(_ entry: UInt32) -> Bool { states[Int(entry)] == .begun }

    mutating func complete(_ entry: UInt32) {
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
            try sink.finish(file.entry)
            forget(entry)
            verify(entry, digest)
        } catch { fail(entry, error) }
    }

    private mutating func forget(_ entry: UInt32) {
        claims -= files.removeValue(forKey: entry)?.claimCount ?? 0
    }

    mutating func verify(_ entry: UInt32, _ digest: BLAKE3.Digest) {
        digests[entry] = digest
        report(entry, .verified)
    }

    mutating func fail(_ entry: UInt32, _ fault: FileFault) {
        guard states[Int(entry)] != .done else { return }
        forget(entry)
        for assembly in assemblies where assembly.entry == entry { freeSlots.append(assembly.slot) }
        assemblies.removeAll { $0.entry == entry }
        let text = faultBytes < Self.mostFaultBytes ? fault.description : "it failed, as others before it"
        if faults[entry] == nil {
            faultBytes += text.utf8.count
            faults[entry] = text
        }
        if fault.code == .notVerified { hasWrongFile = true }
        report(entry, .failed, text)
    }

    private mutating func report(_ entry: UInt32, _ status: ReceivedStatus, _ reason: String = "") {
        guard states[Int(entry)] != .done else { return }
        states[Int(entry)] = .done
        doneEntries += 1
        if status == .verified {
            verified.add(entry)
        } else {
            messages.append(ControlMessage.received(entry: entry, status: status, reason: reason).encoded)
        }
        finishIfDone()
    }

    private mutating func finishIfDone() {
        guard isAllReported, state == .accepted, sink.end() else { return }
        state = .finished
        let verified = verifiedFiles
        guard let signer, let files = Receipt.Files(verified) else { return }
        let receipt = signer.receipt(for: files, isDurable: sink.isDurable)
        unsentReceipt = receipt
        self.receipt = receipt
        receiptFiles = verified
    }

    private var verifiedFiles: [ReceiptFile] {
        entries.compactMap { entry in
            digests[entry.number].map { ReceiptFile(path: entry.path, size: entry.size, digest: $0) }
        }
    }

    private mutating func countersign(_ signed: Receipt.Signed) {
        guard let receipt, receipt.senderSignature == nil, receipt.time == signed.time,
            receipt.isDurable == signed.isDurable, receipt.isSigned(by: receipt.sender, signed.signature)
        else {
            state = .violated("a receipt that the sender has not signed")
            return
        }
        self.receipt?.senderSignature = signed.signature
    }
}
