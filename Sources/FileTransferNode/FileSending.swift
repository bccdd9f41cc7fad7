package import FileTransfer
package import Identity
package import PacketIO

/// Sends files to a host, on the calling thread.
package enum FileSending {
    /// Returns when the receiver has verified all files, or said why not.
    ///
    /// - Parameters:
    ///   - paths: files and folders.
    ///   - values: a folder where values of chunks are kept for a later transfer; nil keeps none.
    ///   - congestion: how the sending rate follows the path.
    ///   - wakeUp: a signal from another thread cancels the transfer.
    package static func send(
        _ paths: [String],
        to contact: PeerContact,
        keepingValuesIn values: String?,
        congestion: CongestionControl.Algorithm,
        identity: IdentityKey,
        wakeUp: WakeUp,
        progress: (TransferProgress) -> Void
    ) throws -> TransferResult {
        let source: DiskSource
        do throws(FileFault) {
            source = try DiskSource(paths, keepingValuesIn: values)
        } catch { throw TransferError(.local, error.description) }
        let entries = source.entries
        let content = FileSender(
            entries,
            name: entries[0].path,
            from: source,
            role: .initiator,
            signer: ReceiptSigner(identity, peer: contact.endpointID)
        )
        let opened = try Initiator.open(contact, identity: identity, wakeUp: wakeUp)
        var driver = opened.session(carrying: content, congestion: congestion, wakeUp: wakeUp)
        let total = entries.reduce(0) { $0 + $1.size }
        var patience = ReceiptPatience()
        try driver.run(onCancel: "the sender canceled the transfer") { session in
            progress(session.content.progress(of: total))
            switch session.content.state {
            case .finished where session.isQuiet && patience.isOver(session.content.isSettled, now: .now):
                session.close(.done)
            case .refused: session.close(.done)
            default: break
            }
        }
        if case .refused(_, let reason) = driver.session.content.state {
            throw TransferError(.refused, "the receiver refused: \(reason)")
        }
        if driver.session.content.state != .finished { throw driver.session.failure() }
        return driver.session.content.result(of: source, peer: contact.endpointID)
    }
}

extension FileSender {
    fileprivate func progress(of total: UInt64) -> TransferProgress {
        TransferProgress(bytes: min(total, keptBytes + movedBytes), total: total, moved: movedBytes)
    }

    fileprivate func result(of source: DiskSource, peer: EndpointID) -> TransferResult {
        var files: [TransferredFile] = []
        files.reserveCapacity(source.entries.count)
        for (index, entry) in source.entries.enumerated() {
            let outcome: TransferredFile.Outcome =
                switch results[entry.number] {
                case .verified: .verified(digests[entry.number])
                case .skipped: .skipped
                case .failed, nil: .failed(faults[entry.number] ?? "it was not received")
                }
            files.append(
                TransferredFile(
                    path: source.path(of: UInt32(index)),
                    kind: entry.kind,
                    bytes: entry.size,
                    outcome: outcome
                )
            )
        }
        return TransferResult(
            peer: peer,
            entries: files,
            notices: [],
            omitted: source.faults,
            movedBytes: movedBytes,
            keptBytes: keptBytes,
            receipt: receipt,
            receiptFiles: receipt == nil ? [] : verifiedFiles
        )
    }
}

extension Session where Content: ~Copyable {
    /// Why it ended before its content was through.
    func failure() -> TransferError {
        switch end {
        case .closed(_, let reason): TransferError(.peer, "the peer broke the protocol: \(reason)")
        case .closedByPeer(.canceled, let reason): TransferError(.refused, "canceled: \(reason)")
        case .closedByPeer(.busy, let reason), .closedByPeer(.refused, let reason): TransferError(.refused, reason)
        case .closedByPeer(let code, let reason):
            TransferError(.peer, "the peer closed the session with code \(code.rawValue): \(reason)")
        case .idle, nil:
            TransferError(.network, "the peer is silent: its machine, its courier or the network is down; send again")
        }
    }
}
