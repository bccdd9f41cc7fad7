/// The messages between members (Das, Gupta, Motivala 2002, section 4; nack: Dadgar et al. 2018, section IV), as it is
/// inside a sealed datagram (see `SwimDatagram`). Numbers are big endian.
///
///     0   1  type
///     1  32  id of the sender
///     33  …  by type
///            1 ping          8 sequence, 32 id of the member that must answer
///            2 ack           8 sequence of the ping or ping request
///            3 nack          8 sequence of the ping request: the helper got no answer either
///            4 ping request  8 sequence, 32 id of the member to ping
///            5 gossip        nothing
///            6 pull          8 sequence, 1 flags (bit 0: is itself the answer to a pull), 32 cursor, 8 digest
///            7 page          8 sequence, 1 flags (bit 0: last page), 32 cursor, 32 id up to which the page is complete
///     …   1  number of updates
///     …   …  updates, to the end:
///            1   claim: 1 alive, 2 suspect, 3 dead, 4 left
///            32  id of the member
///            8   incarnation, below 2⁵⁶
///            …   alive: 1 family (4 or 6), 4 or 16 IP address, 2 UDP port, 2 TCP port or 0
///                suspect: 1 number of accusers (1…4), 4 each: first bytes of the accuser's id, ascending
///
/// A pull requests what the other knows of members above the cursor, in pages; cursors start at 32 zero bytes. Its
/// digest is the sum of `SwimMembers.digest`; if the answering member has the same, one empty last page answers.
package struct SwimMessage: Sendable, Hashable {
    /// Longest message in bytes: the longest datagram without the overhead of sealing.
    package static let maximumLength = SwimDatagram.maximumLength - SwimDatagram.overhead

    package enum Body: Sendable, Hashable {
        case ping(sequence: UInt64, target: MemberID)
        case ack(sequence: UInt64)
        case nack(sequence: UInt64)
        case pingRequest(sequence: UInt64, target: MemberID)
        case gossip
        case pull(sequence: UInt64, isAnswer: Bool, cursor: MemberID, digest: UInt64)
        case page(sequence: UInt64, isLast: Bool, cursor: MemberID, through: MemberID)

        /// Bytes of type, sender, body and number of updates.
        var encodedLength: Int {
            switch self {
            case .ping, .pingRequest: 34 + 8 + 32
            case .ack, .nack: 34 + 8
            case .gossip: 34
            case .pull: 34 + 8 + 1 + 32 + 8
            case .page: 34 + 8 + 1 + 32 + 32
            }
        }
    }

    package var sender: MemberID
    package var body: Body
    package var updates: [SwimUpdate]

    package init(sender: MemberID, body: Body, updates: [SwimUpdate] = []) {
        self.sender = sender
        self.body = body
        self.updates = updates
    }
}

/// One claim about one member.
package struct SwimUpdate: Sendable, Hashable {
    /// Incarnations are below: 2⁵⁶ refutations do not happen, and adding one cannot overflow.
    package static let incarnationLimit: UInt64 = 1 << 56

    package enum Claim: Sendable, Hashable {
        case alive(MemberAddress, messagingPort: UInt16)
        case suspect(SwimAccusers)
        case dead
        case left
    }

    package var id: MemberID
    package var incarnation: UInt64
    package var claim: Claim

    package init(id: MemberID, incarnation: UInt64, claim: Claim) {
        self.id = id
        self.incarnation = incarnation
        self.claim = claim
    }

    var encodedLength: Int {
        switch claim {
        case .alive(let address, _): 41 + 1 + (address.isIPv4 ? 4 : 16) + 4
        case .suspect(let accusers): 41 + 1 + 4 * accusers.count
        case .dead, .left: 41
        }
    }
}

/// Members that got no answer from a suspect, each by the first four bytes of its ID, ascending.
///
/// Sets merge in any order to the same set, so a confirmation counts once however often it arrives.
package struct SwimAccusers: Sendable, Hashable {
    /// The first accuser and the three independent confirmations after which a suspicion waits no longer than necessary
    /// (Dadgar et al. 2018: K = 3).
    package static let limit = 4

    package private(set) var count = 0
    private var tags: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)

    package init() {}

    package init(_ accuser: MemberID) { insert(Self.tag(of: accuser)) }

    static func tag(of id: MemberID) -> UInt32 { UInt32(truncatingIfNeeded: id.words.0 >> 32) }

    package subscript(index: Int) -> UInt32 {
        switch index {
        case 0: tags.0
        case 1: tags.1
        case 2: tags.2
        default: tags.3
        }
    }

    /// False if it was there or the set is full.
    @discardableResult
    package mutating func insert(_ tag: UInt32) -> Bool {
        guard count < Self.limit else { return false }
        var position = 0
        while position < count, self[position] < tag { position += 1 }
        guard position == count || self[position] != tag else { return false }
        var index = count
        while index > position {
            set(index, self[index - 1])
            index -= 1
        }
        set(position, tag)
        count += 1
        return true
    }

    /// True if the set grew.
    mutating func merge(_ other: SwimAccusers) -> Bool {
        var hasGrown = false
        for index in 0..<other.count where insert(other[index]) { hasGrown = true }
        return hasGrown
    }

    private mutating func set(_ index: Int, _ tag: UInt32) {
        switch index {
        case 0: tags.0 = tag
        case 1: tags.1 = tag
        case 2: tags.2 = tag
        default: tags.3 = tag
        }
    }

    package static func == (one: SwimAccusers, other: SwimAccusers) -> Bool {
        one.count == other.count && one.tags == other.tags
    }

    package func hash(into hasher: inout Hasher) {
        for index in 0..<count { hasher.combine(self[index]) }
    }
}
