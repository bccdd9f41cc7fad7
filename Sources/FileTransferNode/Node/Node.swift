internal import FileTransfer
public import Identity
internal import PacketIO
internal import Synchronization

/// A machine that sends and receives files, with one Ed25519 identity.
///
/// ```swift
/// let receiver = try await Node()
/// print(receiver.ticket())
/// for try await offer in try receiver.receive() {
///     let result = try await offer.accept().completion()
///     print(result.files.map(\.path))
/// }
/// ```
///
/// Every transfer is encrypted from end to end, verified with BLAKE3, and continued by a later one if it is cut. A node
/// sends each on a thread of its own, and receives all on one. It talks with `courier` as with other nodes. It lives as
/// long as it sends, or something may iterate over what it is offered.
public final class Node: Sendable {
    private struct State {
        /// What is being sent.
        var sending: [UInt64: Transfer] = [:]
        var isShutDown = false
    }

    private let identity: IdentityKey
    /// Nil: it only sends.
    private let receiver: NodeReceiver?
    private let numbers = TransferNumbers()
    private let state = Mutex(State())

    /// Reads the key, and opens the socket to receive on.
    public init(_ configuration: NodeConfiguration = NodeConfiguration()) async throws(NodeError) {
        do {
            let (identity, receiving) = try await Self.onThread { try Self.prepare(configuration) }
            self.identity = identity
            receiver = try receiving.map { [numbers] in try NodeReceiver($0, numbers) }
        } catch { throw NodeError(error) }
    }

    deinit {
        receiver?.end()
        for transfer in state.withLock({ $0.sending.values.map { $0 } }) { transfer.cancel() }
    }

    private static func prepare(_ configuration: NodeConfiguration) throws -> (IdentityKey, FileReceiving?) {
        let identity = try configuration.identityPath.map(IdentityKey.loadOrCreate) ?? IdentityKey()
        guard let port = configuration.port else { return (identity, nil) }
        guard let host = InternetHost(configuration.interface) else {
            throw NodeError(.local, "interface \"\(configuration.interface)\": must be an IP address of this machine")
        }
        guard (1...FileReceiving.mostPlaces).contains(configuration.maxTransfers) else {
            throw NodeError(
                .local,
                "maxTransfers \(configuration.maxTransfers): must be 1 to \(FileReceiving.mostPlaces)"
            )
        }
        try ReceivingFolder.create(configuration.folder)
        var options = DiskSink.Options()
        options.isDurable = configuration.isDurable
        let admission: Admission =
            switch configuration.admission {
            case .ticket: .ticket
            case .peers(let admits): .peers(admits)
            }
        let receiving = try FileReceiving(
            InternetAddress(host, port: port),
            into: configuration.folder,
            options: options,
            admitting: admission,
            places: configuration.maxTransfers,
            identity: identity
        )
        return (identity, receiving)
    }

    // MARK: Who it is

    /// By which peers know it.
    public var id: EndpointID { identity.endpointID }
    /// 32 bytes.
    public var publicKey: [UInt8] { identity.endpointID.publicKey }

    /// Where it receives: the IP address and the UDP port. Nil if it only sends.
    public var boundAddress: String? { receiver.map { "\($0.receiving.boundAddress)" } }

    /// What a sender needs to know: this machine's addresses, its Endpoint ID, and a secret of this node. Nil if it
    /// only sends, or admits peers without a ticket.
    public func ticket() -> String? {
        guard let receiving = receiver?.receiving, receiving.needsTicket else { return nil }
        return receiving.ticket(hosts: LocalHosts.all()).text
    }

    // MARK: Sending

    /// Sends a file, or a folder with what is in it.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - recipient: a ticket, or `ID@HOST:PORT` of a node or `courier serve` that admits this one.
    /// - Returns: a transfer that runs, once its files are listed. Whether the peer was reached and took them is known
    ///   from ``Transfer/completion()``.
    public func sendFile(at path: String, to recipient: String) async throws(NodeError) -> Transfer {
        try await send([path], to: recipient)
    }

    /// The same for several files and folders.
    public func send(
        _ paths: [String],
        to recipient: String,
        _ settings: SendSettings = SendSettings()
    ) async throws(NodeError) -> Transfer {
        let recipient = try Recipient(parsing: recipient)
        return try await send(paths, settings) { try recipient.contact() }
    }

    /// The same for a peer that has answered.
    public func send(
        _ paths: [String],
        to peer: NodePeer,
        _ settings: SendSettings = SendSettings()
    ) async throws(NodeError) -> Transfer {
        try await send(paths, settings) { peer.contact }
    }

    private func send(
        _ paths: [String],
        _ settings: SendSettings,
        _ contact: @escaping @Sendable () throws -> PeerContact
    ) async throws(NodeError) -> Transfer {
        if let path = paths.first(where: { $0.utf8.contains(0) }) {
            throw NodeError(.local, "\(path): a path has no zero bytes")
        }
        guard !paths.isEmpty else { throw NodeError(.local, "no paths: name at least one file or folder") }
        let options = try settings.options()
        try checkIsUp()
        let id = numbers.next()
        do {
            let wakeUp = try WakeUp()
            return try await withCheckedThrowingContinuation { continuation in
                do {
                    _ = try WorkThread("courier-send") { [self, identity] in
                        let (transfer, files): (Transfer, OutgoingFiles)
                        do {
                            let contact = try contact()
                            files = try OutgoingFiles(paths, options).withAllListed()
                            transfer = Transfer(
                                id: id,
                                peer: contact.endpointID,
                                control: TransferControl(),
                                wakeUp: wakeUp,
                                total: files.total
                            )
                            try add(transfer)
                            continuation.resume(returning: transfer)
                            transfer.end(
                                Result {
                                    try FileSending.send(
                                        files,
                                        to: contact,
                                        options: options,
                                        identity: identity,
                                        control: transfer.control,
                                        wakeUp: wakeUp
                                    ) { transfer.note($0) }
                                }
                            )
                            remove(transfer)
                        } catch { continuation.resume(throwing: error) }
                    }
                } catch { continuation.resume(throwing: error) }
            }
        } catch { throw NodeError(error) }
    }

    private func checkIsUp() throws(NodeError) {
        if state.withLock({ $0.isShutDown }) { throw NodeError.wasShutDown }
    }

    private func add(_ transfer: Transfer) throws(NodeError) {
        let isAdded = state.withLock { state in
            if !state.isShutDown { state.sending[transfer.id] = transfer }
            return !state.isShutDown
        }
        if !isAdded { throw NodeError.wasShutDown }
    }

    private func remove(_ transfer: Transfer) { state.withLock { _ = $0.sending.removeValue(forKey: transfer.id) } }

    /// Asks a peer whether it answers, and measures how long that takes. The session ends then; a transfer to the peer
    /// opens another one, to the address that answered.
    public func connect(to recipient: String) async throws(NodeError) -> NodePeer {
        let recipient = try Recipient(parsing: recipient)
        try checkIsUp()
        do {
            let wakeUp = try WakeUp()
            return try await withTaskCancellationHandler {
                try await Self.onThread { [identity] in
                    let contact = try recipient.contact()
                    let found = try PeerProbe.run(contact, count: 1, identity: identity, wakeUp: wakeUp)
                    return NodePeer(
                        id: contact.endpointID,
                        address: "\(found.address)",
                        roundTripTime: .nanoseconds(found.roundTrips.min() ?? found.handshake),
                        contact: contact.reached(at: found.address)
                    )
                }
            } onCancel: {
                wakeUp.signal()
            }
        } catch { throw NodeError(error) }
    }

    // MARK: Receiving

    /// Begins to receive. Offers that come while no one iterates over the sequence wait; when it is gone, they are
    /// refused, and transfers that were accepted go on. A later call replaces the sequence.
    public func receive() throws(NodeError) -> IncomingTransfers {
        guard let receiver else {
            throw NodeError(.local, "this node only sends: give its configuration a port, 0 for any")
        }
        return IncomingTransfers(stream: try receiver.begin(), node: self)
    }

    // MARK: The end

    /// Cancels all transfers, tells their peers, and waits until that is done. The port and the folder are free then.
    public func shutdown() async {
        let sending = state.withLock { state in
            state.isShutDown = true
            return state.sending.values.map { $0 }
        }
        for transfer in sending { transfer.cancel() }
        for transfer in sending { _ = try? await transfer.completion() }
        await receiver?.shutdown()
    }

    private static func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let thread = try WorkThread("courier-node") { Result { try body() } }
        return try await thread.value.get()
    }
}
