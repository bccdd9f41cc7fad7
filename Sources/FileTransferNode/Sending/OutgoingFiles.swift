package import FileTransfer
internal import Identity

/// Files and folders on their way to one receiver.
package struct OutgoingFiles {
    package let source: DiskSource
    /// Those that were listed before the transfer; others are listed while it is offered.
    package let entries: [TransferEntry]

    /// Looks whether there is what is to be sent.
    package init(_ paths: [String], _ options: SendOptions) throws {
        do throws(FileFault) {
            source = try DiskSource(paths, excluding: options.excluded, keepingValuesIn: options.valuesFolder)
        } catch { throw TransferError(.local, error.description) }
        entries = source.more(atMost: 1)
    }

    private init(_ source: DiskSource, _ entries: [TransferEntry]) {
        self.source = source
        self.entries = entries
    }

    /// The same, with all entries listed.
    package func withAllListed() -> OutgoingFiles { OutgoingFiles(source, entries + source.all()) }

    /// Bytes of the listed files.
    package var total: UInt64 { entries.reduce(0) { $0 + $1.size } }

    func content(_ role: HandshakeRole, _ identity: IdentityKey, to peer: EndpointID) -> FileSender {
        FileSender(
            entries,
            from: source,
            role: role,
            signer: ReceiptSigner(identity, peer: peer)
        )
    }

    /// Returns when the receiver has verified all files, or said why not, or has opened another session.
    func send(
        _ driver: inout SessionDriver<FileSender>,
        _ control: TransferControl,
        _ progress: (TransferProgress) -> Void
    ) throws {
        let cancelReason = "the sender canceled the transfer"
        var patience = ReceiptPatience()
        try driver.run(onCancel: cancelReason) { session in
            control.apply(to: &session, cancelReason)
            progress(session.content.progress(session.evidence))
            switch session.content.state {
            case .finished where session.isQuiet && patience.isOver(session.content.isSettled, now: .now):
                session.close(.done)
            case .refused: session.close(.done)
            default: break
            }
        }
        if driver.successor != nil { return }
        if case .refused(_, let reason) = driver.session.content.state {
            throw TransferError(.refused, "the receiver refused: \(reason)")
        }
        if driver.session.content.state != .finished {
            throw control.isCanceled ? CancellationError() : driver.session.failure()
        }
    }

    func outcome(_ content: borrowing FileSender, to peer: EndpointID) -> TransferOutcome {
        var files: [TransferredFile] = []
        files.reserveCapacity(content.entries.count)
        for entry in content.entries {
            let outcome: TransferredFile.Outcome =
                switch content.results[entry.number] {
                case .verified: .verified(content.digests[entry.number])
                case .skipped: .skipped
                case .failed, nil: .failed(content.faults[entry.number] ?? "it was not received")
                }
            files.append(
                TransferredFile(
                    place: source.place(of: entry.number),
                    kind: entry.kind,
                    bytes: entry.size,
                    outcome: outcome
                )
            )
        }
        return TransferOutcome(
            peer: peer,
            entries: files,
            notices: [],
            omitted: source.faults,
            movedBytes: content.movedBytes,
            keptBytes: content.keptBytes,
            receipt: content.receipt,
            receiptFiles: content.receiptFiles
        )
    }
}

extension FileSender {
    fileprivate func progress(_ evidence: SessionEvidence) -> TransferProgress {
        TransferProgress(
            bytes: min(totalBytes, keptBytes + movedBytes),
            total: totalBytes,
            moved: movedBytes,
            evidence: evidence
        )
    }
}
