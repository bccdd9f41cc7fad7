package import Cryptography

/// Sends the entries of one transfer, without I/O of its own: section 5 of `Docs/COURIER-PROTOCOL.md`.
///
/// ```
/// offered ─ ACCEPT → accepted ─ all entries received → finished
///    └─ REFUSE → refused
/// ```
///
/// A chunk is read once, hashed while it is in the cache, and sent from there. What is lost is sent from the same
/// memory as long as it is kept, otherwise read again. Chunks that the receiver has are only hashed, a few at a time,
/// or not at all if their values are known from an earlier transfer.
package struct FileSender: SessionContent, ~Copyable {
    package enum State: Equatable, Sendable {
        case offered, accepted, finished
        case refused(code: UInt32, reason: String)
        /// The peer did what the protocol forbids.
        case violated(String)
    }

    /// A large file that the receiver asks for.
    private struct Wanted {
        let entry: UInt32
        let chunks: [Range<UInt64>]
    }

    /// How often a receiver may ask for chunks of one file.
    private static let mostRequests: UInt8 = 8
    /// Entries that are announced at once, so that a long list waits in its short form.
    private static let entriesAtOnce = 256

    package internal(set) var state = State.offered
    let source: any FileSource
    /// Those that are listed. They are announced while the source lists others.
    package private(set) var entries: [TransferEntry]
    /// Bytes of their files.
    package private(set) var totalBytes: UInt64
    var streams: SendingStreams
    private var wanted: [Wanted] = []
    var current: OutgoingFile?
    var pack = PackSender()
    var lost: [OutgoingData] = []
    let memory = ChunkMemory(count: FileSender.keptChunks)
    var kept = [KeptChunk](repeating: KeptChunk(), count: FileSender.keptChunks)
    var nextSlot = 0
    /// Whether chunks are to be hashed that are not sent.
    package internal(set) var hasWork = false
    /// How often the receiver asked for an entry; `UInt8.max` once it is done with it.
    private var requests: [UInt8]
    private var openEntries: Int
    private var nextEntry = 0
    /// Whether all are announced.
    private var isListed = false
    /// Control messages that wait to be sent, already encoded.
    var messages: [[UInt8]] = []
    /// The values of files whose root is out, until the receiver has the files.
    var saidValues: [UInt32: [BLAKE3.ChainingValue]] = [:]
    /// Bytes of DATA whose sending was begun, each once.
    package internal(set) var sentBytes: UInt64 = 0
    /// Bytes of files that were read to be sent, and those that the receiver has already.
    package internal(set) var movedBytes: UInt64 = 0
    package private(set) var keptBytes: UInt64 = 0
    package private(set) var results = EntryTable<ReceivedStatus>()
    package private(set) var faults: [UInt32: String] = [:]
    /// The digests that were sent.
    package internal(set) var digests = EntryTable<BLAKE3.Digest>()

    private let signer: ReceiptSigner?
    /// Whether there is a file for a receipt.
    private var hasVerified = false
    /// Signed by both ends.
    package private(set) var receipt: Receipt?
    /// What it is about, in its order.
    package private(set) var receiptFiles: [ReceiptFile] = []

    /// Offers the entries and those that the source has more. Their numbers are their positions.
    ///
    /// - Parameters:
    ///   - entries: at least the first one, whose path names the transfer for people.
    ///   - signer: signs the receipt; nil wants none.
    package init(
        _ entries: [TransferEntry],
        from source: any FileSource,
        role: HandshakeRole,
        signer: ReceiptSigner? = nil
    ) {
        self.signer = signer
        self.entries = entries
        self.source = source
        streams = SendingStreams(role)
        requests = Array(repeating: 0, count: entries.count)
        openEntries = entries.count
        totalBytes = entries.reduce(0) { $0 + $1.size }
        let isOneFile = entries.count == 1 && entries[0].kind == .file && !source.hasMore
        let name = entries.first?.path ?? []
        messages.append(
            ControlMessage.offer(transfer: [UInt8](randomCount: 16), isOneFile: isOneFile, name: name).encoded
        )
    }

    package var violation: String? {
        if case .violated(let reason) = state { reason } else { nil }
    }

    /// The control messages to send now; there may be several in one array.
    package mutating func takeMessages() -> [[UInt8]] {
        if mustList { announce() }
        defer { messages = [] }
        return messages
    }

    package var hasMessages: Bool { !messages.isEmpty || mustList }

    /// Nothing more is announced to a receiver that has refused.
    private var mustList: Bool { !isListed && (state == .offered || state == .accepted) }

    private mutating func announce() {
        if nextEntry == entries.count, source.hasMore {
            let more = source.more(atMost: Self.entriesAtOnce)
            entries += more
            totalBytes += more.reduce(0) { $0 + $1.size }
            requests += repeatElement(0, count: more.count)
            openEntries += more.count
        }
        let end = min(entries.count, nextEntry + Self.entriesAtOnce)
        var announced: [UInt8] = []
        for entry in entries[nextEntry..<end] { ControlMessage.entry(entry).write(to: &announced) }
        if !announced.isEmpty { messages.append(announced) }
        nextEntry = end
        guard end == entries.count, !source.hasMore else { return }
        isListed = true
        messages.append(ControlMessage.end(entries: UInt32(entries.count), bytes: totalBytes).encoded)
        finishIfDone()
    }

    private mutating func finishIfDone() {
        if isListed, openEntries == 0, state == .accepted { state = .finished }
    }

    // MARK: The peer's messages

    /// Reads a control message of the receiver.
    package mutating func receive(_ message: ControlMessage) {
        switch message {
        // Some receivers do not wait for the end of the list.
        case .accept where state == .offered: state = .accepted
        case .refuse(let code, let reason) where state == .offered: state = .refused(code: code, reason: reason)
        case .want(let entry, let chunks): want(entry, chunks)
        case .wantSmall(let ranges): wantSmall(ranges)
        case .received(let entry, let status, let reason): received(entry, status, reason)
        case .verified(let ranges): verified(ranges)
        case .receipt(let signed): sign(signed)
        default: state = .violated("an unexpected message of the receiver")
        }
    }

    private mutating func want(_ entry: UInt32, _ chunks: [Range<UInt64>]) {
        guard state == .accepted, entries.indices.contains(Int(entry)), entries[Int(entry)].kind == .file,
            !entries[Int(entry)].isSmall, requests[Int(entry)] < Self.mostRequests, current?.entry != entry,
            !wanted.contains(where: { $0.entry == entry }),
            chunks.last?.upperBound ?? 0 <= BLAKE3.Piece.count(of: entries[Int(entry)].size)
        else {
            // A request for a file that has failed here crossed its failure.
            if faults[entry] == nil { state = .violated("a request for what was not offered") }
            return
        }
        if requests[Int(entry)] == 0 {
            let size = entries[Int(entry)].size
            keptBytes += size - BLAKE3.Piece.length(of: chunks, in: size)
        }
        requests[Int(entry)] += 1
        wanted.append(Wanted(entry: entry, chunks: chunks))
    }

    private mutating func wantSmall(_ ranges: [Range<UInt32>]) {
        for range in ranges {
            guard state == .accepted, range.upperBound <= UInt32(entries.count) else {
                state = .violated("a request for what was not offered")
                return
            }
            for entry in range {
                guard entries[Int(entry)].isSmall, requests[Int(entry)] == 0 else {
                    state = .violated("a request for what was not offered")
                    return
                }
                requests[Int(entry)] = 1
            }
        }
        pack.want(ranges)
    }

    private mutating func verified(_ ranges: [Range<UInt32>]) {
        for range in ranges {
            guard range.upperBound <= UInt32(entries.count) else {
                state = .violated("a report on what was not offered")
                return
            }
            for entry in range {
                received(entry, .verified, "")
                if violation != nil { return }
            }
        }
    }

    private mutating func received(_ entry: UInt32, _ status: ReceivedStatus, _ reason: String) {
        guard state == .accepted, entries.indices.contains(Int(entry)), requests[Int(entry)] != .max else {
            state = .violated("a report on what was not offered")
            return
        }
        requests[Int(entry)] = .max
        openEntries -= 1
        results[entry] = status
        saidValues[entry] = nil
        if status == .verified, entries[Int(entry)].kind == .file { hasVerified = true }
        if status == .failed { abandon(entry, reason) }
        if status == .skipped { keptBytes += entries[Int(entry)].size }
        if status != .failed, !entries[Int(entry)].isSmall { source.finish(entry) }
        finishIfDone()
    }

    /// Whether it is finished, and the receipt is signed if there is to be one.
    package var isSettled: Bool { state == .finished && (signer == nil || receipt != nil || !hasVerified) }

    private var verifiedFiles: [ReceiptFile] {
        entries.compactMap { entry in
            guard entry.kind == .file, results[entry.number] == .verified, let digest = digests[entry.number] else {
                return nil
            }
            return ReceiptFile(path: entry.path, size: entry.size, digest: digest)
        }
    }

    private mutating func sign(_ signed: Receipt.Signed) {
        let verified = state == .finished && receipt == nil ? verifiedFiles : []
        guard let files = Receipt.Files(verified) else {
            state = .violated("a receipt that cannot be")
            return
        }
        guard let signer else { return }
        guard let receipt = signer.countersigned(signed, for: files), let signature = receipt.senderSignature else {
            state = .violated("a receipt for other files, or that the receiver has not signed")
            return
        }
        self.receipt = receipt
        receiptFiles = verified
        let answer = Receipt.Signed(time: signed.time, isDurable: signed.isDurable, signature: signature)
        messages.append(ControlMessage.receipt(answer).encoded)
    }

    /// The receiver does not want an entry any more: its disk may be full.
    private mutating func abandon(_ entry: UInt32, _ reason: String) {
        if faults[entry] == nil { faults[entry] = reason }
        wanted.removeAll { $0.entry == entry }
        guard let file = current, file.entry == entry else { return }
        current = nil
        hasWork = false
        if let stream = file.stream { streams.finish(stream) }
    }

    /// The next large file that the receiver asks for.
    mutating func takeWanted() -> OutgoingFile? {
        while let next = wanted.first {
            wanted.removeFirst()
            // It may have failed here since.
            if faults[next.entry] != nil { continue }
            return OutgoingFile(entries[Int(next.entry)], chunks: next.chunks, values: saidValues[next.entry])
        }
        return nil
    }

    mutating func fail(_ entry: UInt32, _ fault: FileFault) {
        // What is lost may fail to be read again when the receiver has all of it.
        guard faults[entry] == nil, requests[Int(entry)] != .max else { return }
        faults[entry] = fault.description
        if fault.code == .changed { source.finish(entry) }
        messages.append(
            ControlMessage.failed(entry: entry, code: fault.code.rawValue, reason: fault.description).encoded
        )
    }
}
