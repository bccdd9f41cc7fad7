internal import FileTransfer
internal import Identity

/// Asks about one offer, and receives it.
struct OfferReception {
    static let cancelReason = "the receiver canceled the transfer"

    private let number: UInt64
    let peer: EndpointID
    let sink: DiskSink
    let ask: TransferQuestion
    let control = TransferControl()
    private var answer: TransferAnswer?
    private var patience = ReceiptPatience()

    init(_ number: UInt64 = 0, from peer: EndpointID, into sink: DiskSink, ask: @escaping TransferQuestion) {
        self.number = number
        self.peer = peer
        self.sink = sink
        self.ask = ask
    }

    /// Whether the offer is there, and was not asked about.
    func isNew(_ content: borrowing FileReceiver) -> Bool { content.state == .offered && answer == nil }

    /// Does what is next, after each step of the session.
    mutating func advance(_ session: inout Session<FileReceiver>) {
        control.apply(to: &session, Self.cancelReason)
        if session.content.state == .offered {
            let answer = self.answer ?? question(session.content)
            self.answer = answer
            switch answer.decision {
            case .accept(let conflicts):
                sink.conflicts = conflicts
                session.content.accept()
            case .refuse(let reason): session.content.refuse(reason)
            case nil: break
            }
        }
        // The sender knows it, and has had time to leave.
        if session.content.state == .refused, session.isQuiet, patience.isOver(false, now: .now) {
            session.close(.refused)
        }
        // The sender has the reports; if its CLOSE was lost, it may be gone.
        if session.content.state == .finished, session.isQuiet,
            patience.isOver(session.content.isSettled, now: .now)
        {
            session.close(.done)
        }
    }

    private func question(_ content: borrowing FileReceiver) -> TransferAnswer {
        let answer = TransferAnswer(control)
        ask(
            TransferOffer(
                number: number,
                peer: peer,
                name: content.name,
                entries: content.entries.count,
                bytes: content.totalBytes,
                conflicts: sink.looksForConflicts ? sink.conflicts(content.entries) : []
            ),
            answer
        )
        return answer
    }

    /// Why a session that is over has not received all; nil if it has.
    func failure(_ session: borrowing Session<FileReceiver>) -> (any Error)? {
        if session.content.state == .refused { return TransferError(.refused, "the transfer was refused") }
        if session.content.state == .finished { return nil }
        return control.isCanceled ? CancellationError() : session.failure()
    }
}
