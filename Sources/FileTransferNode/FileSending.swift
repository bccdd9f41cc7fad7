package import FileTransfer
package import Identity
package import PacketIO

/// What became of a file.
package struct TransferredFile: Sendable {
    package let path: String
    package let bytes: UInt64
    /// BLAKE3 of the file; nil if it failed or was skipped.
    package let digest: [UInt8]?
    package let fault: String?
}

/// How far a transfer is.
package struct TransferProgress: Sendable {
    package var bytes: UInt64
    package var total: UInt64
}

/// Sends files to a host, on the calling thread.
package enum FileSending {
    /// Returns when the receiver has verified all files, or said why not.
    ///
    /// - Parameters:
    ///   - paths: files.
    ///   - wakeUp: a signal from another thread cancels the transfer.
    package static func send(
        _ paths: [String],
        to ticket: Ticket,
        identity: IdentityKey,
        wakeUp: WakeUp,
        progress: (TransferProgress) -> Void
    ) throws -> [TransferredFile] {
        let entries: [TransferEntry]
        do throws(FileFault) { entries = try DiskSource.entries(of: paths) } catch {
            throw TransferError(.local, error.description)
        }
        let content = FileSender(
            entries,
            name: entries[0].path,
            from: DiskSource(paths),
            role: .initiator
        )
        let opened = try Initiator.open(ticket, identity: identity, wakeUp: wakeUp)
        var driver = opened.session(carrying: content, wakeUp: wakeUp)
        let total = entries.reduce(0) { $0 + $1.size }
        try driver.run(onCancel: "the sender canceled the transfer") { session in
            progress(TransferProgress(bytes: session.content.sentBytes, total: total))
            switch session.content.state {
            case .finished where session.isQuiet: session.close(.done)
            case .refused: session.close(.done)
            default: break
            }
        }
        if case .refused(_, let reason) = driver.session.content.state {
            throw TransferError(.refused, "the receiver refused: \(reason)")
        }
        if driver.session.content.state != .finished { throw driver.session.failure() }
        return entries.enumerated().map { index, entry in
            TransferredFile(
                path: paths[index],
                bytes: entry.size,
                digest: driver.session.content.results[entry.number] == .verified
                    ? driver.session.content.digests[entry.number] : nil,
                fault: driver.session.content.faults[entry.number]
            )
        }
    }
}

extension Session where Content: ~Copyable {
    /// Why it ended before its content was through.
    func failure() -> TransferError {
        switch end {
        case .closed(_, let reason): TransferError(.peer, "the peer broke the protocol: \(reason)")
        case .closedByPeer(.canceled, let reason): TransferError(.refused, "canceled: \(reason)")
        case .closedByPeer(let code, let reason):
            TransferError(.peer, "the peer closed the session with code \(code.rawValue): \(reason)")
        case .idle, nil:
            TransferError(.network, "the peer is silent: its machine, its courier or the network is down; send again")
        }
    }
}
