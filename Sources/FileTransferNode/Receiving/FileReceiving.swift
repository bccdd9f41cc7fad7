package import FileTransfer
package import Identity
package import PacketIO
internal import Synchronization

/// Receives files from who opens a session, on the calling thread.
package final class FileReceiving: Sendable {
    /// Transfers at the same time, at most.
    package static let mostPlaces = 64

    /// What becomes of a transfer.
    package enum Event: Sendable {
        case progress(TransferProgress)
        case ended(Result<TransferOutcome, any Error>)
        /// Its sender was ended, and has begun again. What has arrived is kept.
        case superseded
    }

    private let socket: ListeningSocket
    private let folder: ReceivingFolder
    private let places: Int

    /// - Parameters:
    ///   - folder: where files go; exists. One process at a time receives into it.
    ///   - places: transfers at the same time, 1 to ``mostPlaces``.
    package init(
        _ address: InternetAddress,
        into folder: String,
        options: DiskSink.Options = DiskSink.Options(),
        admitting admission: Admission = .ticket,
        places: Int = 1,
        identity: IdentityKey
    ) throws {
        self.folder = try ReceivingFolder(folder, options)
        self.places = places
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

    /// Whether senders must have the ticket.
    var needsTicket: Bool { socket.needsTicket }

    /// Frees the port and the folder. Nothing is received anymore.
    func close() {
        socket.close()
        folder.close()
    }

    /// Uses other options from the next transfer on.
    package func use(_ options: DiskSink.Options) { folder.options.withLock { $0 = options } }

    /// Receives transfers, several at a time if there are places, until one ends after which `proceeds` is false.
    ///
    /// - Parameters:
    ///   - wakeUp: a signal from another thread cancels all of them, and throws.
    ///   - ask: called when an offer is complete.
    ///   - each: called after each step of a transfer that has been asked about, with its number.
    package func run(
        wakeUp: WakeUp,
        ask: @escaping TransferQuestion,
        each: (UInt64, Event) -> Bool
    ) throws {
        let loop = try ReceivingLoop(socket, folder, places: places, wakeUp: wakeUp, ask: ask)
        defer { loop.giveBack(to: socket) }
        while try loop.step(each) {}
    }

    /// Waits for one transfer, asks about it, and receives it. Call it again for the next one, with the same ticket.
    ///
    /// - Parameters:
    ///   - wakeUp: a signal from another thread cancels.
    ///   - decide: asked on a thread of its own, because a person may take long.
    package func receive(
        wakeUp: WakeUp,
        decide: @escaping @Sendable (TransferOffer) -> TransferDecision,
        progress: (TransferProgress) -> Void
    ) throws -> TransferOutcome {
        var result: Result<TransferOutcome, any Error>?
        try run(wakeUp: wakeUp, ask: BlockingQuestion.asking(decide)) { _, event in
            switch event {
            case .progress(let value): progress(value)
            case .ended(let end): result = end
            case .superseded: break
            }
            return result == nil
        }
        guard let result else { preconditionFailure("it ends with a transfer or throws") }
        return try result.get()
    }
}
