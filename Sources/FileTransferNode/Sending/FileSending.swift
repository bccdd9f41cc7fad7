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
    ) throws -> TransferResult {
        let files = try OutgoingFiles(paths, options)
        let content = files.content(.initiator, identity, to: contact.endpointID)
        let opened = try Initiator.open(contact, identity: identity, wakeUp: wakeUp)
        var driver = opened.session(carrying: content, congestion: options.congestion, wakeUp: wakeUp)
        driver.rateLimit = options.limit
        try files.send(&driver, progress)
        return files.result(driver.session.content, to: contact.endpointID)
    }
}
