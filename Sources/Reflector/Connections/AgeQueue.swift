/// Connections in the order of arrival. One that leaves from the middle is dropped when it reaches the front, or when
/// such entries are the majority, so that the cost of a step does not depend on their number.
struct AgeQueue {
    private var order: [ConnectionID] = []
    /// Entries before it have left.
    private var head = 0
    private var members: Set<ConnectionID> = []

    var isEmpty: Bool { members.isEmpty }

    mutating func append(_ id: ConnectionID) {
        guard members.insert(id).inserted else { return }
        order.append(id)
    }

    /// False if it was not there.
    @discardableResult
    mutating func remove(_ id: ConnectionID) -> Bool {
        guard members.remove(id) != nil else { return false }
        if order.count > 2 * members.count + 32 {
            // Each is in the queue once: a connection that has left does not return.
            order = order[head...].filter(members.contains)
            head = 0
        }
        return true
    }

    var oldest: ConnectionID? {
        mutating get {
            while head < order.count {
                if members.contains(order[head]) { return order[head] }
                head += 1
            }
            return nil
        }
    }
}
