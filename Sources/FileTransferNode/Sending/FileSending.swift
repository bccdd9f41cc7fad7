internal import FileTransfer
package import Identity
package import PacketIO

/// Sends files to a host that receives, on the calling thread.
package enum FileSending {
    /// Returns when the receiver has verified all files, or said why not.
    ///
    /// - Parameters:
    ///   - paths: files and folders.
    ///   - wakeUp: a signal from another thread cancels the transfer.
    package static func send(
        _ paths: [String],
        to contact: PeerContact,
        options: SendOptions,
        identity: IdentityKey,
        wakeUp: WakeUp,
        progress: (TransferProgress) -> Void
    ) throws -> TransferOutcome {
        try send(
            OutgoingFiles(paths, options),
            to: contact,
            options: options,
            identity: identity,
            wakeUp: wakeUp,
            progress: progress
        )
    }

    /// The same for files that are listed.
    static func send(
        _ files: OutgoingFiles,
        to contact: PeerContact,
        options: SendOptions,
        identity: IdentityKey,
        control: TransferControl = TransferControl(),
        wakeUp: WakeUp,
        progress: (TransferProgress) -> Void
    ) throws -> TransferOutcome {
        let content = files.content(.initiator, identity, to: contact.endpointID)
        let opened = try Initiator.open(contact, identity: identity, wakeUp: wakeUp)
        var driver = opened.session(carrying: content, congestion: options.congestion, wakeUp: wakeUp)
        driver.rateLimit = options.limit
        if let packets = options.rekeyPackets { driver.session.rekeyPackets = packets }
        try files.send(&driver, control, progress)
        return files.outcome(driver.session.content, to: contact.endpointID)
    }
}
