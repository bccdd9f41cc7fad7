/// The numbers of the streams that an end sends on. A number is free again when all of its packets are acknowledged.
struct SendingStreams {
    static let most = 64

    private struct Use {
        var isOpen = false
        var entry: UInt32 = 0
        /// How often the number was used before.
        var number: UInt16 = 0
        var isFinished = false
        /// Packets that are neither acknowledged nor lost, and lost ones that were not sent again.
        var outstanding = 0
    }

    private var uses = [Use](repeating: Use(), count: most)
    private let first: UInt16

    init(_ role: HandshakeRole) { first = role == .initiator ? 1 : 2 }

    /// A free number; nil if all are in use.
    mutating func open(for entry: UInt32) -> UInt16? {
        guard let index = uses.firstIndex(where: { !$0.isOpen }) else { return nil }
        uses[index] = Use(isOpen: true, entry: entry, number: uses[index].number)
        return first + 2 * UInt16(index)
    }

    /// The entry whose bytes a stream carries.
    func entry(of stream: UInt16) -> UInt32 { uses[index(stream)].entry }

    /// How often the number of an open stream was used before, mod 2¹⁶.
    func use(of stream: UInt16) -> UInt16 { uses[index(stream)].number }

    /// Nothing follows on the stream but what is outstanding.
    mutating func finish(_ stream: UInt16) {
        uses[index(stream)].isFinished = true
        release(stream)
    }

    mutating func sent(_ stream: UInt16) { uses[index(stream)].outstanding += 1 }

    /// A packet was acknowledged.
    mutating func acknowledged(_ stream: UInt16) {
        uses[index(stream)].outstanding -= 1
        release(stream)
    }

    private mutating func release(_ stream: UInt16) {
        let use = uses[index(stream)]
        if use.isFinished, use.outstanding == 0 { uses[index(stream)] = Use(number: use.number &+ 1) }
    }

    private func index(_ stream: UInt16) -> Int { Int((stream - first) / 2) }
}
