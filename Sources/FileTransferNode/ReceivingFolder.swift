internal import FileTransfer
internal import Files
internal import Identity
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// A folder that receives the files of one session after the other.
package final class ReceivingFolder: Sendable {
    private let path: String
    let options: Mutex<DiskSink.Options>
    /// Two processes would write into one file if they got files of one name.
    private let lock: FileLock

    /// Creates a folder to receive into, if it is missing.
    package static func create(_ path: String) throws {
        do throws(SystemError) { try Folders.create(path) } catch {
            throw TransferError(.local, "cannot create the folder \(path): \(error.reason)")
        }
    }

    /// - Parameter path: of the folder, which exists. One process at a time receives into it.
    init(_ path: String, _ options: DiskSink.Options) throws {
        self.path = path
        self.options = Mutex(options)
        do throws(FileLock.Failure) {
            lock = try FileLock(folder: path, tries: 1)
        } catch {
            switch error {
            case .isHeld:
                throw TransferError(
                    .local,
                    "another courier receives into \(path); end it, or receive into another folder with --to"
                )
            case .unusable(let reason): throw TransferError(.local, "cannot open \(path): \(reason.reason)")
            }
        }
    }

    func sink() throws -> DiskSink {
        do throws(FileFault) { return try DiskSink(into: path, options: options.withLock { $0 }) } catch {
            throw TransferError(.local, error.description)
        }
    }

    /// Asks about an offer, and receives it.
    func receive(
        _ driver: inout SessionDriver<FileReceiver>,
        _ sink: DiskSink,
        from peer: EndpointID,
        _ decide: @escaping @Sendable (TransferOffer) -> TransferDecision,
        _ progress: (TransferProgress) -> Void
    ) throws {
        var question: Question?
        var patience = ReceiptPatience()
        try driver.run(onCancel: "the receiver canceled the transfer") { session in
            if session.content.state == .offered {
                if question == nil {
                    let offer = TransferOffer(
                        peer: peer,
                        name: session.content.name,
                        entries: session.content.entries.count,
                        bytes: session.content.totalBytes,
                        conflicts: sink.looksForConflicts ? sink.conflicts(session.content.entries) : []
                    )
                    question = try Question { decide(offer) }
                }
                switch question?.answer {
                case .accept(let conflicts):
                    sink.conflicts = conflicts
                    session.content.accept()
                case .refuse(let reason): session.content.refuse(reason)
                case nil: break
                }
            }
            // The sender has the reports; if its CLOSE was lost, it may be gone.
            if session.content.state == .finished, session.isQuiet,
                patience.isOver(session.content.isSettled, now: .now)
            {
                session.close(.done)
            }
            progress(session.content.progress)
        }
        if driver.session.content.state == .refused { throw TransferError(.refused, "the transfer was refused") }
        if driver.session.content.state != .finished { throw driver.session.failure() }
    }

    func result(_ content: borrowing FileReceiver, _ sink: DiskSink, from peer: EndpointID) -> TransferResult {
        let files = content.entries.map { entry in
            TransferredFile(
                path: path + "/" + String(decoding: sink.path(of: entry), as: UTF8.self),
                kind: entry.kind,
                bytes: entry.size,
                outcome: content.faults[entry.number].map { .failed($0) }
                    ?? (content.skipped.contains(entry.number) ? .skipped : .verified(content.digests[entry.number]))
            )
        }
        return TransferResult(
            peer: peer,
            entries: files,
            notices: content.notices + sink.notices,
            movedBytes: content.receivedBytes,
            keptBytes: content.keptBytes,
            hasWrongFile: content.hasWrongFile,
            receipt: content.receipt,
            receiptFiles: content.receipt == nil ? [] : content.verifiedFiles
        )
    }
}

extension FileReceiver {
    fileprivate var progress: TransferProgress {
        TransferProgress(bytes: min(totalBytes, keptBytes + receivedBytes), total: totalBytes, moved: receivedBytes)
    }
}

/// A question to a person, on a thread of its own.
private final class Question: Sendable {
    private final class Slot: Sendable { let answer = Mutex<TransferDecision?>(nil) }

    private let slot = Slot()
    private let thread: WorkThread<Void>

    init(_ ask: @escaping @Sendable () -> TransferDecision) throws {
        let slot = self.slot
        thread = try WorkThread("question") {
            let answer = ask()
            slot.answer.withLock { $0 = answer }
        }
    }

    /// Nil until there is one.
    var answer: TransferDecision? { slot.answer.withLock { $0 } }
}
