internal import FileTransfer
package import Identity
package import PacketIO

/// Receives the files of a host that offers them, on the calling thread.
package enum FileFetching {
    /// Opens a session, asks about what is offered, and receives it.
    ///
    /// - Parameters:
    ///   - folder: where files go; exists. One process at a time receives into it.
    ///   - decide: asked on a thread of its own, because a person may take long.
    ///   - wakeUp: a signal from another thread cancels.
    package static func receive(
        from contact: PeerContact,
        into folder: String,
        options: DiskSink.Options = DiskSink.Options(),
        identity: IdentityKey,
        wakeUp: WakeUp,
        decide: @escaping @Sendable (TransferOffer) -> TransferDecision,
        progress: (TransferProgress) -> Void
    ) throws -> TransferOutcome {
        let folder = try ReceivingFolder(folder, options)
        let sink = try folder.sink()
        let opened = try Initiator.open(contact, identity: identity, wakeUp: wakeUp)
        var driver = opened.session(
            carrying: FileReceiver(into: sink, signer: ReceiptSigner(identity, peer: contact.endpointID)),
            wakeUp: wakeUp
        )
        var reception = OfferReception(
            from: contact.endpointID,
            into: sink,
            ask: BlockingQuestion.asking(decide)
        )
        defer { sink.abandon() }
        try driver.run(onCancel: OfferReception.cancelReason) { session in
            reception.advance(&session)
            progress(session.content.progress)
        }
        if let failure = reception.failure(driver.session) { throw failure }
        return folder.result(driver.session.content, sink, from: contact.endpointID)
    }
}
