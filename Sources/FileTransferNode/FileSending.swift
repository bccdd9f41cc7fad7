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
        let initiator = try Initiator(ticket, identity: identity, wakeUp: wakeUp)
        let content = FileSender(
            entries,
            name: entries[0].path,
            from: DiskSource(paths),
            role: .initiator
        )
        var driver = initiator.session(carrying: content, wakeUp: wakeUp)
        let total = entries.reduce(0) { $0 + $1.size }
        while driver.session.end == nil {
            try driver.step(until: .now + 100_000_000)
            if driver.isWoken {
                driver.session.close(.canceled, "the sender canceled the transfer")
                try driver.step(until: .now)
                throw CancellationError()
            }
            progress(TransferProgress(bytes: driver.session.content.sentBytes, total: total))
            switch driver.session.content.state {
            case .finished where driver.session.isQuiet: driver.session.close(.done)
            case .refused(_, let reason):
                driver.session.close(.done)
                try driver.step(until: .now)
                throw TransferError(.refused, "the receiver refused: \(reason)")
            default: break
            }
        }
        // A receiver whose copy of CLOSE was lost asks again.
        try driver.linger()
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

extension Initiator {
    /// Begins the session.
    consuming func session<Content: SessionContent & ~Copyable>(
        carrying content: consuming Content,
        wakeUp: WakeUp
    ) -> SessionDriver<Content> {
        let session = Session(
            handshake,
            parameters: parameters,
            content: content,
            datagramSize: Self.datagramSize(to: remote),
            now: .now
        )
        return SessionDriver(
            session,
            handshake,
            on: socket,
            buffers: buffers,
            to: remote,
            wakeUp: wakeUp
        )
    }

    /// What the path's MTU takes, as far as this machine knows it.
    static func datagramSize(to remote: InternetAddress) -> Int {
        let mtu = (try? PacketSocket.pathMTU(to: remote)) ?? 1_280
        let headers = remote.host.isIPv4 ? 28 : 48
        return min(max(mtu - headers, 1_200), 8_972)
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
