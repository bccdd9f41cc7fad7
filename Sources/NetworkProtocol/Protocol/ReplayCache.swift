/// Openings of handshakes that a daemon has seen, so that none is answered twice.
///
/// An opening older than the clock tolerance is refused by its time, so it need not be remembered longer than twice
/// that. If more arrive, the oldest is forgotten: a replay costs the daemon an answer that is useless to the sender,
/// because the ephemeral key is the original sender's.
package struct ReplayCache: Sendable {
    private struct Entry: Hashable {
        let nonce: [UInt8]
        let publicKey: [UInt8]
    }

    private let capacity: Int
    private var seen: Set<Entry> = []
    /// A ring: `next` is the oldest once it is full.
    private var order: [Entry] = []
    private var next = 0

    package init(capacity: Int = HandshakeLimits.rememberedNonces) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    package var count: Int { seen.count }

    /// True if this opening was seen before; otherwise remembers it.
    package mutating func hasSeen(_ opening: HandshakeInit) -> Bool {
        let entry = Entry(nonce: opening.nonce, publicKey: opening.publicKey)
        guard seen.insert(entry).inserted else { return true }
        if order.count < capacity {
            order.append(entry)
        } else {
            seen.remove(order[next])
            order[next] = entry
            next = (next + 1) % capacity
        }
        return false
    }
}
