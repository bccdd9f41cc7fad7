/// Future events in simulated time, the earliest first; events of the same time in the order in which they were added.
package struct EventQueue<Kind> {
    package struct Event {
        /// Nanoseconds since the start.
        package let time: Int64
        let order: UInt64
        package let kind: Kind
    }

    private var heap: [Event] = []
    private var count: UInt64 = 0

    package init() {}

    /// `Int64.max` if there are no events.
    package var nextTime: Int64 { heap.first?.time ?? .max }

    package mutating func insert(_ kind: Kind, at time: Int64) {
        count += 1
        heap.append(Event(time: time, order: count, kind: kind))
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// There must be one.
    package mutating func removeFirst() -> Event {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func precedes(_ one: Int, _ other: Int) -> Bool {
        (heap[one].time, heap[one].order) < (heap[other].time, heap[other].order)
    }
}
