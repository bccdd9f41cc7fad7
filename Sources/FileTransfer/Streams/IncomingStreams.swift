/// The uses of the peer's stream numbers.
///
/// A number is used again when all packets of its last use are acknowledged. Packets of a use may come before its
/// STREAM_OPEN, and late copies of the use before may still come, so each says which use it belongs to.
struct IncomingStreams {
    private var uses: [UInt16: UInt16] = [:]

    enum Check { case known, unknown, old }

    /// Whether a packet of a stream belongs to its last use, to a later or to an earlier one.
    func check(_ stream: UInt16, use: UInt16) -> Check {
        guard let known = uses[stream] else { return .unknown }
        let distance = Int16(bitPattern: use &- known)
        return distance == 0 ? .known : distance > 0 ? .unknown : .old
    }

    /// Begins a use. False if it has begun already, or is over.
    mutating func open(_ stream: UInt16, use: UInt16) -> Bool {
        guard check(stream, use: use) == .unknown else { return false }
        uses[stream] = use
        return true
    }

    /// Whether a peer with this role may use the number.
    static func isAllowed(_ stream: UInt16, of peer: HandshakeRole) -> Bool {
        let first: UInt16 = peer == .initiator ? 1 : 2
        return stream >= first && stream % 2 == first % 2 && (stream - first) / 2 < UInt16(SendingStreams.most)
    }
}
