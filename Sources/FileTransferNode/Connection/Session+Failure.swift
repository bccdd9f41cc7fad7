internal import FileTransfer

extension Session where Content: ~Copyable {
    /// Why it ended before its content was through.
    func failure() -> TransferError {
        switch end {
        case .closed(_, let reason): TransferError(.peer, "the peer broke the protocol: \(reason)")
        case .closedByPeer(.canceled, let reason): TransferError(.refused, "canceled: \(reason)")
        case .closedByPeer(.busy, let reason), .closedByPeer(.refused, let reason): TransferError(.refused, reason)
        case .closedByPeer(let code, let reason):
            TransferError(.peer, "the peer closed the session with code \(code.rawValue): \(reason)")
        case .idle, nil:
            TransferError(.network, "the peer is silent: its machine, its courier or the network is down; send again")
        }
    }

    /// Nanoseconds for which an end answers after its CLOSE, because the peer's copy of it may be lost: a few round
    /// trips, and at most half a second.
    var lingerTime: Int64 { min(500_000_000, 3 * max(roundTripTime, 5_000_000)) }

    /// Whether the peer has closed it in order.
    var wasLeft: Bool { if case .closedByPeer(.done, _) = end { true } else { false } }
}
