/// Connections in the order in which they came. Those that leave from the middle are dropped when they get to the front, or when
/// they are the most, so that every step costs the same however many there are.
struct AgeQueue {
    private var order: [ConnectionID] = []
    /// Those before it have left.
    private var head = 0
    private var members: Set<ConnectionID> = []

    var isEmpty: Bool { members.isEmpty }

    mutating func append(_ id: ConnectionID) {
        guard members.insert(id).inserted else { return }
        order.append(id)
    }

    /// False when it was not there.
    @discardableResult
    mutating func remove(_ id: ConnectionID) -> Bool {
        guard members.remove(id) != nil else { return false }
        if order.count > 2 * members.count + 32 {
            // Each stands once: whoever leaves does not come again.
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
