internal import FileTransfer
internal import Identity
internal import PacketIO
internal import Synchronization

/// The transfers that a node receives, on a thread of its own.
final class NodeReceiver: Sendable {
    private struct State {
        /// Offers of before go to the sequence of before.
        var incoming: IncomingTransfers.Stream.Continuation?
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
        do {
            try state.withLock { state in
                guard !state.isShutDown else { throw NodeError.wasShutDown }
                state.incoming?.finish()
                state.incoming = continuation
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
    }

    private func run() {
        let transfers = Mutex<[UInt64: Transfer]>([:])
        let end = Result {
            try receiving.run(
                wakeUp: wakeUp,
                ask: { offer, answer in
                    let transfer = self.transfer(offer, answer.control)
                    transfers.withLock { $0[offer.number] = transfer }
                    let incoming = self.state.withLock { $0.incoming }
                    // Nothing keeps it if no one iterates: then it is refused.
                    incoming?.yield(IncomingTransfer(offer, transfer, answer))
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
        for transfer in transfers.withLock({ $0.values.map { $0 } }) { transfer.end(.failure(CancellationError())) }
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
