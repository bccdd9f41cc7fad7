package import FileTransfer
package import Identity
package import PacketIO
internal import Synchronization

/// Receives files from who opens a session, on the calling thread.
package final class FileReceiving: Sendable {
    private let socket: ListeningSocket
    private let folder: ReceivingFolder

    /// - Parameter folder: where files go; exists. One process at a time receives into it.
    package init(
        _ address: InternetAddress,
        into folder: String,
        options: DiskSink.Options = DiskSink.Options(),
        admitting admission: Admission = .ticket,
        identity: IdentityKey
    ) throws {
        self.folder = try ReceivingFolder(folder, options)
        socket = try ListeningSocket(address, admitting: admission, identity: identity)
    }

    /// Where it listens.
    package var boundAddress: InternetAddress { socket.address }

    /// Where senders find it.
    ///
    /// - Parameter hosts: the addresses of this machine, if the socket is bound to all of them.
    package func addresses(hosts: [InternetHost]) -> [InternetAddress] { socket.addresses(hosts: hosts) }

    /// The ticket with which a sender finds this socket.
    ///
    /// - Parameter hosts: the addresses of this machine, if the socket is bound to all of them.
    package func ticket(hosts: [InternetHost]) -> Ticket { socket.ticket(hosts: hosts) }

    /// Uses other options from the next transfer on.
    package func use(_ options: DiskSink.Options) { folder.options.withLock { $0 = options } }

    /// Waits for one transfer, asks about it, and receives it. Call it again for the next one, with the same ticket.
    ///
    /// - Parameters:
    ///   - decide: asked on a thread of its own, because a person may take long.
    ///   - wakeUp: a signal from another thread cancels.
    package func receive(
        wakeUp: WakeUp,
        decide: @escaping @Sendable (TransferOffer) -> TransferDecision,
        progress: (TransferProgress) -> Void
    ) throws -> TransferResult {
        var opened = try socket.accept(wakeUp: wakeUp)
        while true {
            let peer = opened.handshake.peer
            let sink = try folder.sink()
            var driver = opened.session(
                carrying: FileReceiver(into: sink, signer: ReceiptSigner(socket.identity, peer: peer)),
                wakeUp: wakeUp
            )
            let end = Result { try folder.receive(&driver, sink, from: peer, decide, progress) }
            if let next = driver.successor {
                // Its sender was ended and has begun again. What has arrived is kept.
                opened = try driver.proceed(with: next)
                continue
            }
            if driver.session.content.state == .waiting, driver.session.wasLeft {
                // It only looked whether this machine answers.
                socket.put(driver.finish())
                opened = try socket.accept(wakeUp: wakeUp)
                continue
            }
            let result = folder.result(driver.session.content, sink, from: peer)
            socket.put(driver.finish())
            try end.get()
            return result
        }
    }
}
