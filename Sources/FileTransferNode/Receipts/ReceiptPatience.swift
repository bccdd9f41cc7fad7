internal import FileTransfer
internal import Glibc
internal import Identity

/// How long an end waits for the other's signature when all files are through.
struct ReceiptPatience {
    private static let nanoseconds: Int64 = 5_000_000_000
    private var end: Instant?

    /// Whether there is nothing to wait for anymore. Ask only when all files are through.
    mutating func isOver(_ isSettled: Bool, now: Instant) -> Bool {
        if isSettled { return true }
        let end = end ?? now + Self.nanoseconds
        self.end = end
        return now >= end
    }
}

extension ReceiptSigner {
    /// By this machine's clock.
    init(_ identity: IdentityKey, peer: EndpointID) {
        self.init(identity, peer: peer) { UInt64(max(0, time(nil))) }
    }
}
