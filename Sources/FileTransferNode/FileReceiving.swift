package import FileTransfer
internal import Files
package import Identity
package import PacketIO
internal import Synchronization
internal import SystemErrors

/// Receives files on a socket, on the calling thread.
package final class FileReceiving: Sendable {
    /// What a sender offers.
    package struct Offer: Sendable {
        package let peer: EndpointID
        package let name: [UInt8]
        package let entries: Int
        package let bytes: UInt64
        /// Paths here that files of the offer would take, if the options ask for them.
        package let conflicts: [String]
    }

    /// Who may send.
    package enum Admission: Sendable {
        /// Who has the ticket.
        case ticket
        /// Who knows this machine's Endpoint ID and is admitted by it, which is asked for each session.
        case peers(@Sendable (EndpointID) -> Bool)
    }

    /// What a user says to an offer.
    package enum Decision: Sendable {
        case accept(ConflictPolicy)
        case refuse(String)
    }

    private let identity: IdentityKey
    private let address: InternetAddress
    /// Until it receives.
    private let socket: Mutex<PacketSocket?>
    private let folder: String
    private let options: DiskSink.Options
    private let admission: Admission
    private let contactSecret: [UInt8]
    /// Two processes would write into one file if they got files of one name.
    private let lock: FileLock

    /// - Parameter folder: where files go; exists. One process at a time receives into it.
    package init(
        _ address: InternetAddress,
        into folder: String,
        options: DiskSink.Options = DiskSink.Options(),
        admitting admission: Admission = .ticket,
        identity: IdentityKey
    ) throws {
        self.options = options
        self.admission = admission
        self.identity = identity
        self.folder = folder
        do throws(FileLock.Failure) {
            lock = try FileLock(folder: folder, tries: 1)
        } catch {
            switch error {
            case .isHeld:
                throw TransferError(
                    .local,
                    "another courier receives into \(folder); end it, or receive into another folder with --to"
                )
            case .unusable(let reason): throw TransferError(.local, "cannot open \(folder): \(reason.reason)")
            }
        }
        let socket = try PacketSocket(address)
        self.address = socket.address
        self.socket = Mutex(socket)
        contactSecret =
            switch admission {
            case .ticket: [UInt8](randomCount: 16)
            case .peers: []
            }
    }

    /// Where it listens.
    package var boundAddress: InternetAddress { address }

    /// The ticket with which a sender finds this socket.
    ///
    /// - Parameter hosts: the addresses of this machine, if the socket is bound to all of them.
    package func ticket(hosts: [InternetHost]) -> Ticket {
        let bound = address
        let all = bound.host.isAny ? hosts.filter { $0.isIPv4 == bound.host.isIPv4 } : [bound.host]
        return Ticket(
            endpointID: identity.endpointID,
            contactSecret: contactSecret,
            addresses: all.map { Ticket.Address(InternetAddress($0, port: bound.port)) }
        )
    }

    /// Waits for one transfer, asks about it, and receives it. Call it again for the next one, with the same ticket.
    ///
    /// - Parameters:
    ///   - decide: asked on a thread of its own, because a person may take long.
    ///   - wakeUp: a signal from another thread cancels.
    package func receive(
        wakeUp: WakeUp,
        decide: @escaping @Sendable (Offer) -> Decision,
        progress: (TransferProgress) -> Void
    ) throws -> TransferResult {
        // A failure before the last transfer began has closed the socket.
        let socket = try socket.withLock({ $0.take() }) ?? PacketSocket(address)
        let listener = HandshakeListener(
            identity: identity,
            contactSecret: contactSecret,
            parameters: SessionParameters(of: socket)
        )
        if case .peers(let admits) = admission { listener.admits = admits }
        var opened = try Responder.open(socket, listener: listener, wakeUp: wakeUp)
        while true {
            let peer = opened.handshake.peer
            let sink: DiskSink
            do throws(FileFault) { sink = try DiskSink(into: folder, options: options) } catch {
                throw TransferError(.local, error.description)
            }
            var driver = opened.session(
                carrying: FileReceiver(into: sink, signer: ReceiptSigner(identity, peer: peer)),
                wakeUp: wakeUp
            )
            let end = Result { try Self.drive(&driver, sink, options, from: peer, decide, progress) }
            if let next = driver.successor {
                // Its sender was ended and has begun again. What has arrived is kept.
                opened = try driver.proceed(with: next)
                continue
            }
            let result = driver.session.content.result(in: folder, sink, peer: peer)
            var kept: PacketSocket? = driver.finish()
            self.socket.withLock { swap(&$0, &kept) }
            try end.get()
            return result
        }
    }

    private static func drive(
        _ driver: inout SessionDriver<FileReceiver>,
        _ sink: DiskSink,
        _ options: DiskSink.Options,
        from peer: EndpointID,
        _ decide: @escaping @Sendable (Offer) -> Decision,
        _ progress: (TransferProgress) -> Void
    ) throws {
        var question: Question?
        var patience = ReceiptPatience()
        try driver.run(onCancel: "the receiver canceled the transfer") { session in
            if session.content.state == .offered {
                if question == nil {
                    let offer = Offer(
                        peer: peer,
                        name: session.content.name,
                        entries: session.content.entries.count,
                        bytes: session.content.totalBytes,
                        conflicts: options.looksForConflicts ? sink.conflicts(session.content.entries) : []
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
}

extension FileReceiver {
    fileprivate var progress: TransferProgress {
        TransferProgress(bytes: min(totalBytes, keptBytes + receivedBytes), total: totalBytes, moved: receivedBytes)
    }

    fileprivate func result(in folder: String, _ sink: DiskSink, peer: EndpointID) -> TransferResult {
        let files = entries.map { entry in
            TransferredFile(
                path: folder + "/" + String(decoding: sink.path(of: entry), as: UTF8.self),
                kind: entry.kind,
                bytes: entry.size,
                outcome: faults[entry.number].map { .failed($0) }
                    ?? (skipped.contains(entry.number) ? .skipped : .verified(digests[entry.number]))
            )
        }
        return TransferResult(
            peer: peer,
            entries: files,
            notices: notices + sink.notices,
            movedBytes: receivedBytes,
            keptBytes: keptBytes,
            hasWrongFile: hasWrongFile,
            receipt: receipt,
            receiptFiles: receipt == nil ? [] : verifiedFiles
        )
    }
}

/// A question to a person, on a thread of its own.
private final class Question: Sendable {
    private final class Slot: Sendable { let answer = Mutex<FileReceiving.Decision?>(nil) }

    private let slot = Slot()
    private let thread: WorkThread<Void>

    init(_ ask: @escaping @Sendable () -> FileReceiving.Decision) throws {
        let slot = self.slot
        thread = try WorkThread("question") {
            let answer = ask()
            slot.answer.withLock { $0 = answer }
        }
    }

    /// Nil until there is one.
    var answer: FileReceiving.Decision? { slot.answer.withLock { $0 } }
}
