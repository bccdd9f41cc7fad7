/// What a member knows of all members: a bounded table with the orders in which it is read.
///
/// A slot identifies a record as long as the member is remembered. Slot 0 is this member itself.
struct SwimMembers {
    struct Record {
        var id: MemberID
        var address: MemberAddress
        var messagingPort: UInt16
        var incarnation: UInt64
        var status: MemberStatus
        /// When the status started, in nanoseconds.
        var since: Int64
        /// Of a suspect.
        var accusers = SwimAccusers()
        /// Confirmations that shorten the suspicion, as of its start.
        var expectedConfirmations = 0
        /// When a suspect is considered dead.
        var deadline = Int64.max
        /// Position in ``SwimMembers/live``.
        fileprivate var liveIndex = -1

        init(
            id: MemberID,
            address: MemberAddress,
            messagingPort: UInt16,
            incarnation: UInt64,
            status: MemberStatus,
            since: Int64
        ) {
            self.id = id
            self.address = address
            self.messagingPort = messagingPort
            self.incarnation = incarnation
            self.status = status
            self.since = since
        }

        var member: ClusterMember {
            ClusterMember(
                id: id,
                address: address,
                messagingPort: messagingPort,
                incarnation: incarnation,
                status: status
            )
        }

        var aliveUpdate: SwimUpdate {
            SwimUpdate(id: id, incarnation: incarnation, claim: .alive(address, messagingPort: messagingPort))
        }

        /// The update about the member.
        var update: SwimUpdate {
            switch status {
            case .alive: aliveUpdate
            case .suspect: SwimUpdate(id: id, incarnation: incarnation, claim: .suspect(accusers))
            case .dead: SwimUpdate(id: id, incarnation: incarnation, claim: .dead)
            case .left: SwimUpdate(id: id, incarnation: incarnation, claim: .left)
            }
        }

        fileprivate var digest: UInt64 {
            let words = [id.words.0, id.words.1, id.words.2, id.words.3]
            return words.reduce(incarnation) { SplitMix64.mixed($0 ^ $1) }
        }
    }

    static let own = 0

    private let limit: Int
    private(set) var records: [Record]
    private var slots: [MemberID: Int]
    /// Slots that are in use, this member's included, in the order of ids.
    private(set) var order: [Int] = [0]
    /// Slots of other members that are alive or suspect, unordered.
    private(set) var live: [Int] = []
    private var free: [Int] = []
    /// Sum of a hash of ID and incarnation of each live member: equal for members that know the same ones.
    private(set) var digest: UInt64

    init(own: Record, limit: Int) {
        self.limit = max(2, limit)
        records = [own]
        slots = [own.id: 0]
        digest = own.digest
    }

    /// Live members, this one included.
    var liveCount: Int { live.count + 1 }
    /// Remembered members, this one and the dead included.
    var count: Int { order.count }

    /// Whether the slot is another member's that is alive or suspect.
    func isLive(_ slot: Int) -> Bool { records[slot].liveIndex >= 0 }

    func slot(of id: MemberID) -> Int? { slots[id] }

    /// Position in ``order`` of the first member above the id.
    func position(above id: MemberID) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if records[order[middle]].id > id { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The slot of the new member, or nil if the table is full of live ones. The longest dead one makes room.
    mutating func insert(_ record: Record) -> Int? {
        if count >= limit {
            guard
                let oldest = order.filter({ $0 != Self.own && !isLive($0) })
                    .min(by: { records[$0].since < records[$1].since })
            else { return nil }
            remove(oldest)
        }
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            records[slot] = record
        } else {
            slot = records.count
            records.append(record)
        }
        slots[record.id] = slot
        order.insert(slot, at: position(above: record.id))
        if record.status.isLive { enterLive(slot) }
        return slot
    }

    /// Changes a record; its ID stays.
    mutating func change(_ slot: Int, _ body: (inout Record) -> Void) {
        let isOwn = slot == Self.own
        if isOwn { digest &-= records[slot].digest }
        if records[slot].liveIndex >= 0, !isOwn { exitLive(slot) }
        body(&records[slot])
        if isOwn { digest &+= records[slot].digest }
        if records[slot].status.isLive, !isOwn { enterLive(slot) }
    }

    mutating func remove(_ slot: Int) {
        precondition(slot != Self.own, "a member never forgets itself")
        let record = records[slot]
        if record.liveIndex >= 0 { exitLive(slot) }
        slots[record.id] = nil
        let position = position(above: record.id) - 1
        order.remove(at: position)
        free.append(slot)
    }

    private mutating func enterLive(_ slot: Int) {
        records[slot].liveIndex = live.count
        live.append(slot)
        digest &+= records[slot].digest
    }

    private mutating func exitLive(_ slot: Int) {
        digest &-= records[slot].digest
        let index = records[slot].liveIndex
        let last = live[live.count - 1]
        live[index] = last
        records[last].liveIndex = index
        live.removeLast()
        records[slot].liveIndex = -1
    }
}
