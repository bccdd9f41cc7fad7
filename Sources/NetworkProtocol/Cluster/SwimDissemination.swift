/// Which updates are still to be sent, the least sent first (Das et al., section 4.1). At most one for each member.
struct SwimDissemination {
    private struct Entry {
        let slot: Int
        let version: UInt32
    }

    /// Entries by how often they were sent. Entries of an older version than their slot's are skipped.
    private var queues: [[Entry]] = []
    /// By slot.
    private var versions: [UInt32] = []
    private var isQueued: [Bool] = []
    /// Updates that are to be sent.
    private(set) var count = 0
    private var entries = 0

    var isEmpty: Bool { count == 0 }

    func isQueued(_ slot: Int) -> Bool { slot < isQueued.count && isQueued[slot] }

    /// The member's current record is news, to be sent as often as any.
    mutating func enqueue(_ slot: Int) {
        while versions.count <= slot {
            versions.append(0)
            isQueued.append(false)
        }
        versions[slot] &+= 1
        if !isQueued[slot] {
            isQueued[slot] = true
            count += 1
        }
        // A member with frequent news leaves old entries behind.
        if entries > 2 * versions.count + 64 { discardOld() }
        append(Entry(slot: slot, version: versions[slot]), sent: 0)
    }

    /// The slot no longer belongs to a member.
    mutating func forget(_ slot: Int) {
        guard slot < versions.count else { return }
        versions[slot] &+= 1
        finish(slot)
    }

    /// Offers the least sent updates until `body` returns that one does not fit; each one that it takes counts as sent
    /// once more, and is dropped after `limit` times.
    mutating func take(limit: Int, _ body: (Int) -> Bool) {
        guard count > 0 else { return }
        var taken: [(entry: Entry, sent: Int)] = []
        var isFull = false
        for sent in queues.indices where !isFull {
            while let entry = queues[sent].popLast() {
                entries -= 1
                guard entry.version == versions[entry.slot], isQueued[entry.slot] else { continue }
                guard sent < limit else {
                    finish(entry.slot)
                    continue
                }
                guard body(entry.slot) else {
                    append(entry, sent: sent)
                    isFull = true
                    break
                }
                taken.append((entry, sent + 1))
            }
        }
        for (entry, sent) in taken {
            if sent < limit { append(entry, sent: sent) } else { finish(entry.slot) }
        }
    }

    private mutating func append(_ entry: Entry, sent: Int) {
        while queues.count <= sent { queues.append([]) }
        queues[sent].append(entry)
        entries += 1
    }

    private mutating func finish(_ slot: Int) {
        guard isQueued[slot] else { return }
        isQueued[slot] = false
        count -= 1
    }

    private mutating func discardOld() {
        entries = 0
        for index in queues.indices {
            queues[index].removeAll { $0.version != versions[$0.slot] || !isQueued[$0.slot] }
            entries += queues[index].count
        }
    }
}
