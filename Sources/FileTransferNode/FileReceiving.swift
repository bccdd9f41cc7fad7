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
    }

    private let identity: IdentityKey
    private let address: InternetAddress
    /// Until it receives.
    private let socket: Mutex<PacketSocket?>
    private let folder: String
    private let contactSecret: [UInt8]
    /// Two processes would write into one file if they got files of one name.
    private let lock: FileLock

    /// - Parameter folder: where files go; exists. One process at a time receives into it.
    package init(_ address: InternetAddress, into folder: String, identity: IdentityKey) throws {
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
        contactSecret = [UInt8](randomCount: 16)
    }

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
    ///   - decide: asked on a thread of its own, because a person may take long; nil accepts, a reason refuses.
    ///   - wakeUp: a signal from another thread cancels.
    package func receive(
        wakeUp: WakeUp,
        decide: @escaping @Sendable (Offer) -> String?,
        progress: (TransferProgress) -> Void
    ) throws -> [TransferredFile] {
        guard let socket = socket.withLock({ $0.take() }) else { preconditionFailure("it receives one at a time") }
        let opened = try Responder.open(socket, identity: identity, contactSecret: contactSecret, wakeUp: wakeUp)
        let peer = opened.handshake.peer
        var driver = opened.session(carrying: FileReceiver(into: DiskSink(into: folder)), wakeUp: wakeUp)
        let result = Result { try Self.drive(&driver, from: peer, decide, progress) }
        let files = driver.session.content.entries.map { entry in
            TransferredFile(
                path: folder + "/" + String(decoding: entry.path, as: UTF8.self),
                bytes: entry.size,
                digest: driver.session.content.digests[entry.number],
                fault: driver.session.content.faults[entry.number]
            )
        }
        var kept: PacketSocket? = driver.finish()
        self.socket.withLock { swap(&$0, &kept) }
        try result.get()
        return files
    }

    private static func drive(
        _ driver: inout SessionDriver<FileReceiver>,
        from peer: EndpointID,
        _ decide: @escaping @Sendable (Offer) -> String?,
        _ progress: (TransferProgress) -> Void
    ) throws {
        var question: Question?
        try driver.run(onCancel: "the receiver canceled the transfer") { session in
            if session.content.state == .offered {
                if question == nil {
                    let offer = Offer(
                        peer: peer,
                        name: session.content.name,
                        entries: session.content.entries.count,
                        bytes: session.content.totalBytes
                    )
                    question = try Question { decide(offer) }
                }
                switch question?.answer {
                case .accepted: session.content.accept()
                case .refused(let reason): session.content.refuse(reason)
                case nil: break
                }
            }
            // The sender has the reports; if its CLOSE was lost, it may be gone.
            if session.content.state == .finished, session.isQuiet { session.close(.done) }
            let bytes = session.content.receivedBytes
            progress(TransferProgress(bytes: bytes, total: session.content.totalBytes))
        }
        if driver.session.content.state == .refused { throw TransferError(.refused, "the transfer was refused") }
        if driver.session.content.state != .finished { throw driver.session.failure() }
    }
}

/// A question to a person, on a thread of its own.
private final class Question: Sendable {
    enum Answer: Sendable {
        case accepted
        case refused(String)
    }

    private final class Slot: Sendable { let answer = Mutex<Answer?>(nil) }

    private let slot = Slot()
    private let thread: WorkThread<Void>

    init(_ ask: @escaping @Sendable () -> String?) throws {
        let slot = self.slot
        thread = try WorkThread("question") {
            let refusal = ask()
            slot.answer.withLock { $0 = refusal.map(Answer.refused) ?? .accepted }
        }
    }

    /// Nil until there is one.
    var answer: Answer? { slot.answer.withLock { $0 } }
}
