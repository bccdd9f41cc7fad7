internal import FileTransfer
internal import Identity
internal import PacketIO
internal import Synchronization

/// The transfers that a node receives, on a thread of its own.
final class NodeReceiver: Sendable {
    /// Offers that the program has not looked at yet, and that its buffer keeps.
    private final class Waiting: Sendable {
        private struct Offer {
            weak let transfer: IncomingTransfer?
        }

        /// Peers could make more while no one iterates.
        private static let most = 256
        private let offers = Mutex<[Offer]>([])

        /// False: there are too many.
        func add(_ transfer: IncomingTransfer) -> Bool {
            offers.withLock { offers in
                offers.removeAll { $0.transfer?.isWaiting != true }
                guard offers.count < Self.most else { return false }
                offers.append(Offer(transfer: transfer))
                return true
            }
        }

        func refuseAll() { for offer in offers.withLock({ $0 }) { offer.transfer?.refuseIfWaiting() } }
    }

    private struct State {
        /// Offers of before go to the sequence of before.
        var incoming: IncomingTransfers.Stream.Continuation?
        var waiting = Waiting()
        var thread: WorkThread<Void>?
        var isShutDown = false
    }

    let receiving: FileReceiving
    private let numbers: TransferNumbers
    private let wakeUp: WakeUp
    private let state = Mutex(State())

    init(_ receiving: FileReceiving, _ numbers: TransferNumbers) throws {
        self.receiving = receiving
        self.numbers = numbers
        wakeUp = try WakeUp()
    }

    /// Receives from now on, unless it does already, and passes on what is offered.
    func begin() throws(NodeError) -> IncomingTransfers.Stream {
        let (stream, continuation) = IncomingTransfers.Stream.makeStream()
        let waiting = Waiting()
        continuation.onTermination = { _ in waiting.refuseAll() }
        do {
            try state.withLock { state in
                guard !state.isShutDown else { throw NodeError.wasShutDown }
                state.incoming?.finish()
                state.incoming = continuation
                state.waiting = waiting
                if state.thread == nil { state.thread = try WorkThread("courier-receive") { self.run() } }
            }
        } catch { throw NodeError(error) }
        return stream
    }

    /// Cancels all. The thread ends soon.
    func end() {
        state.withLock { $0.isShutDown = true }
        wakeUp.signal()
    }

    /// Cancels all, tells their peers, and waits for that.
    func shutdown() async {
        end()
        await state.withLock { $0.thread }?.value
        receiving.close()
    }

    private func run() {
        let transfers = Mutex<[UInt64: Transfer]>([:])
        let end = Result {
            try receiving.run(
                wakeUp: wakeUp,
                ask: { offer, answer in
                    let transfer = self.transfer(offer, answer.control)
                    transfers.withLock { $0[offer.number] = transfer }
                    let (incoming, waiting) = self.state.withLock { ($0.incoming, $0.waiting) }
                    let offered = IncomingTransfer(offer, transfer, answer)
                    // Nothing keeps it if no one iterates: then it is refused.
                    if waiting.add(offered) { incoming?.yield(offered) }
                },
                each: { number, event in
                    switch event {
                    case .progress(let progress): transfers.withLock { $0[number] }?.note(progress)
                    case .ended(let end): transfers.withLock { $0.removeValue(forKey: number) }?.end(end)
                    case .superseded:
                        let error = TransferError(.network, "its sender has begun again")
                        transfers.withLock { $0.removeValue(forKey: number) }?.end(.failure(error))
                    }
                    return true
                }
            )
        }
        let failure: any Error = if case .failure(let error) = end { error } else { CancellationError() }
        for transfer in transfers.withLock({ $0.values.map { $0 } }) { transfer.end(.failure(failure)) }
        let incoming = state.withLock { state in
            state.thread = nil
            return state.incoming.take()
        }
        switch end {
        case .failure(is CancellationError), .success: incoming?.finish()
        case .failure(let error): incoming?.finish(throwing: NodeError(error))
        }
    }

    private func transfer(_ offer: TransferOffer, _ control: TransferControl) -> Transfer {
        Transfer(id: numbers.next(), peer: offer.peer, control: control, wakeUp: nil, total: offer.bytes)
    }
}

/// Numbers of a node's transfers.
final class TransferNumbers: Sendable {
    private let last = Atomic<UInt64>(0)

    func next() -> UInt64 { last.add(1, ordering: .relaxed).newValue }
}
