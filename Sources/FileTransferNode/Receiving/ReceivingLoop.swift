internal import FileTransfer
internal import Identity
internal import PacketIO
internal import SystemErrors

/// The sessions of one socket at which files are received. For one thread, which does all of their packets and files.
final class ReceivingLoop {
    /// A sender that was silent for so long after it should have sent a keep-alive has probably been ended.
    private static let silence: Int64 = 2_000_000_000
    /// Time to begin an offer, while others wait for a place.
    private static let patience: Int64 = 10_000_000_000
    /// Parts that all sessions have open, each with its journal: a process may have 1024 descriptors.
    private static let mostOpen = 256

    private var socket: PacketSocket?
    private var buffers: ReceiveBuffers?
    private var poll: PollSet
    private let index: Int
    private let listener: HandshakeListener
    private let identity: IdentityKey
    private let folder: ReceivingFolder
    private let places: Int
    private let ask: TransferQuestion
    private var transfers: [ReceivingSession] = []
    private var nextNumber: UInt64 = 0
    private var superseded: [(UInt64, FileReceiving.Event)] = []
    /// With one place: a transfer that was through when its sender began again. If that sends it once more, the second
    /// one counts.
    private var held: (number: UInt64, end: Result<TransferOutcome, any Error>)?
    private var lastStep = Instant.now

    init(
        _ listening: ListeningSocket,
        _ folder: ReceivingFolder,
        places: Int,
        wakeUp: WakeUp,
        ask: @escaping TransferQuestion
    ) throws {
        let socket = try listening.take()
        listener = listening.listener(for: socket)
        identity = listening.identity
        poll = PollSet(wakeUp)
        index = poll.add(socket)
        buffers = try ReceiveBuffers(capacity: EstablishedEnd.runs)
        self.socket = consume socket
        self.folder = folder
        self.places = places
        self.ask = ask
    }

    /// The socket goes back, for the next time. Who has begun to send meanwhile must come again.
    func giveBack(to listening: ListeningSocket) {
        guard var socket = socket.take() else { return }
        closeAll(.busy, HandshakeListener.busy, on: &socket)
        listening.put(socket)
    }

    /// Sends and receives once, and waits for arrivals or until it is time for something. False: `each` wants no more.
    func step(_ each: (UInt64, FileReceiving.Event) -> Bool) throws -> Bool {
        guard var socket = socket.take() else { preconditionFailure("a loop that gave its socket back") }
        do {
            let isToProceed = try step(on: &socket, each)
            self.socket = consume socket
            return isToProceed
        } catch {
            self.socket = consume socket
            throw error
        }
    }

    private func step(
        on socket: inout PacketSocket,
        _ each: (UInt64, FileReceiving.Event) -> Bool
    ) throws -> Bool {
        var now = Instant.now
        if now - lastStep > EstablishedEnd.longStep { try receive(on: &socket) }
        for transfer in transfers { transfer.transport.advance(on: &socket, now: now) }
        poll.awaitRoom(index, transfers.contains { $0.transport.outcome == .blocked })
        now = .now
        _ = try poll.wait(until: deadline(now)?.nanoseconds)
        if poll.isWoken {
            closeAll(.canceled, OfferReception.cancelReason, on: &socket)
            throw CancellationError()
        }
        if poll.hasArrivals(index) { try receive(on: &socket) }
        now = .now
        lastStep = now
        for transfer in transfers {
            if transfer.isNew { settleNames(of: transfer, on: &socket) }
            transfer.advance()
        }
        return report(now, each)
    }

    /// Nil: only an arrival is waited for.
    private func deadline(_ now: Instant) -> Instant? {
        if transfers.isEmpty { return nil }
        // Answers and wishes of the user are looked at so often.
        var deadline = now + 100_000_000
        for transfer in transfers { deadline = transfer.transport.deadline(until: deadline, now: now) }
        // The end went out just now: there is nothing to wait for.
        if transfers.contains(where: { $0.isOver(now: now) }) { return now }
        return deadline
    }

    /// Reports on the transfers, and forgets those that are over.
    private func report(_ now: Instant, _ each: (UInt64, FileReceiving.Event) -> Bool) -> Bool {
        var proceeds = true
        for (number, event) in superseded { proceeds = each(number, event) && proceeds }
        superseded = []
        if let held, transfers.contains(where: { $0.wasOffered }) {
            self.held = nil
            proceeds = each(held.number, .superseded) && proceeds
        }
        for transfer in transfers where transfer.wasOffered {
            proceeds = each(transfer.number, .progress(transfer.progress)) && proceeds
        }
        guard transfers.contains(where: { $0.isOver(now: now) }) else { return proceeds }
        for transfer in transfers where transfer.isOver(now: now) {
            if let end = end(of: transfer) { proceeds = each(transfer.number, .ended(end)) && proceeds }
        }
        transfers.removeAll { $0.isOver(now: now) }
        if transfers.isEmpty, let held {
            self.held = nil
            proceeds = each(held.number, .ended(held.end)) && proceeds
        }
        return proceeds
    }

    /// Nil: there was nothing, because the peer only looked whether this machine answers, or vanished before its offer.
    private func end(of transfer: ReceivingSession) -> Result<TransferOutcome, any Error>? {
        if let failure = transfer.reception.failure(transfer.transport.session) {
            if !transfer.wasOffered {
                guard case .closed = transfer.transport.session.end else { return nil }
            }
            return .failure(failure)
        }
        return .success(folder.result(transfer.transport.session.content, transfer.sink, from: transfer.peer))
    }

    private func closeAll(_ code: CloseCode, _ reason: String, on socket: inout PacketSocket) {
        for transfer in transfers where !transfer.isEnded {
            transfer.transport.session.close(code, reason)
            transfer.transport.advance(on: &socket, now: .now)
            transfer.leave()
        }
        transfers = []
    }

    // MARK: Arrivals

    private func receive(on socket: inout PacketSocket) throws(SystemError) {
        guard var buffers = self.buffers.take() else { return }
        do throws(SystemError) {
            let count = try socket.receive(into: &buffers)
            let now = Instant.now
            for index in 0..<count { receive(&buffers, index, on: &socket, now) }
        } catch {
            self.buffers = consume buffers
            throw error
        }
        self.buffers = consume buffers
    }

    private func receive(
        _ buffers: inout ReceiveBuffers,
        _ index: Int,
        on socket: inout PacketSocket,
        _ now: Instant
    ) {
        if let id = ConnectionID(of: buffers.bytes(index)),
            let transfer = transfers.first(where: { $0.transport.takes(id) })
        {
            _ = transfer.transport.receive(&buffers, index, now: now)
        } else if let opened = listener.receive(buffers, index, on: &socket) {
            admit(opened, on: &socket, now)
        }
    }

    // MARK: Places

    private func admit(_ opened: HandshakeListener.Opened, on socket: inout PacketSocket, _ now: Instant) {
        if let idle = idleSession(now) { supersede(idle, "it gave its place to a machine that sends", on: &socket) }
        let running = transfers.filter { !$0.isEnded }
        let mine = running.filter { $0.peer == opened.handshake.peer }
        // One peer cannot have all places, unless there is one.
        if running.count >= places || mine.count >= max(1, places / 2) {
            // It has begun again, perhaps, after it was ended.
            let quietest = mine.min { $0.transport.session.lastReceived < $1.transport.session.lastReceived }
            guard let quietest, places == 1 || quietest.isSilent(for: Self.silence, now: now) else {
                return listener.turnAway(opened, .busy, HandshakeListener.busy, on: &socket)
            }
            supersede(quietest, on: &socket)
        }
        // However fast they come, few wait for a lost CLOSE.
        if transfers.count >= 2 * places {
            transfers.first { $0.isEnded && !$0.isOver(now: now) }?.giveUpLingering(now: now)
        }
        let taken = transfers.filter { !$0.isEnded }.map(\.place)
        guard let place = (0..<places).first(where: { !taken.contains($0) }) else { return }
        let sink: DiskSink
        do { sink = try folder.sink(place: place, mostOpen: max(4, min(64, Self.mostOpen / places))) } catch {
            return listener.turnAway(opened, .busy, "it cannot receive into its folder now", on: &socket)
        }
        nextNumber += 1
        transfers.append(
            ReceivingSession(
                opened,
                parameters: listener.parameters,
                number: nextNumber,
                place: place,
                into: sink,
                signer: ReceiptSigner(identity, peer: opened.handshake.peer),
                ask: ask
            )
        )
    }

    /// One of those that look only, if all places are taken.
    private func idleSession(_ now: Instant) -> ReceivingSession? {
        guard transfers.count(where: { !$0.isEnded }) >= places else { return nil }
        return transfers.first { !$0.isEnded && $0.isIdle(for: Self.patience, now: now) }
    }

    private func supersede(
        _ transfer: ReceivingSession,
        _ reason: String = "the same machine has begun to send it again",
        on socket: inout PacketSocket
    ) {
        if transfer.isFinished, let end = end(of: transfer) {
            // It waited for the sender's signature only.
            if places == 1 {
                held = (transfer.number, end)
            } else {
                superseded.append((transfer.number, .ended(end)))
            }
        } else if transfer.wasOffered {
            superseded.append((transfer.number, .superseded))
        }
        transfer.transport.session.close(.busy, reason)
        transfer.transport.advance(on: &socket, now: .now)
        transfer.leave()
        transfers.removeAll { $0 === transfer }
    }

    /// What one session receives no other one does at the same time: the same sender has begun again; another one must
    /// wait.
    private func settleNames(of transfer: ReceivingSession, on socket: inout PacketSocket) {
        transfer.noteNames()
        for other in transfers
        where other !== transfer && !other.isRefused && !other.names.isDisjoint(with: transfer.names) {
            if other.peer == transfer.peer {
                supersede(other, on: &socket)
            } else if !other.isEnded {
                transfer.transport.session.content.refuse(
                    code: CloseCode.busy.rawValue,
                    "another machine is sending it files of the same name; try again later"
                )
                return
            }
        }
    }
}
