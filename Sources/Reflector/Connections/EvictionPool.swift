internal import PacketIO

/// Unauthorized connections that share an amount of memory. If one needs more than is left, the oldest is evicted: of
/// its own address if that has its full share, else of all.
struct EvictionPool {
    private struct Member {
        let source: InternetHost
        var cost: Int
    }

    private struct Source {
        var cost = 0
        var queue = AgeQueue()
    }

    /// Bytes of all, and of one address.
    let limit: Int
    let share: Int
    private(set) var cost = 0
    private var members: [ConnectionID: Member] = [:]
    private var queue = AgeQueue()
    private var sources: [InternetHost: Source] = [:]

    init(limit: Int, share: Int) {
        self.limit = limit
        self.share = share
    }

    var count: Int { members.count }

    var oldest: ConnectionID? { mutating get { queue.oldest } }

    /// - Returns: those that must be closed for it.
    mutating func enter(_ id: ConnectionID, from source: InternetHost, cost: Int) -> [ConnectionID] {
        members[id] = Member(source: source, cost: 0)
        queue.append(id)
        sources[source, default: Source()].queue.append(id)
        return grow(id, by: cost)
    }

    /// - Returns: those that must be closed for it, possibly itself; none if it is not there.
    mutating func grow(_ id: ConnectionID, by bytes: Int) -> [ConnectionID] {
        guard let source = members[id]?.source else { return [] }
        members[id]?.cost += bytes
        sources[source]?.cost += bytes
        cost += bytes
        var leaving: [ConnectionID] = []
        while let crowded = sources[source], crowded.cost > share, let oldest = sources[source]?.queue.oldest {
            leave(oldest)
            leaving.append(oldest)
        }
        while cost > limit, let oldest = queue.oldest {
            leave(oldest)
            leaving.append(oldest)
        }
        return leaving
    }

    /// False if it was not there.
    @discardableResult
    mutating func leave(_ id: ConnectionID) -> Bool {
        guard let member = members.removeValue(forKey: id) else { return false }
        queue.remove(id)
        cost -= member.cost
        sources[member.source]?.cost -= member.cost
        sources[member.source]?.queue.remove(id)
        if sources[member.source]?.queue.isEmpty == true { sources[member.source] = nil }
        return true
    }
}
