internal import Synchronization

/// Tells connections of one server apart.
package struct ConnectionID: Hashable, Sendable {
    private let number: UInt64

    private static let last = Atomic<UInt64>(0)

    /// An id that no other connection of this process has.
    package static func next() -> ConnectionID {
        ConnectionID(number: last.add(1, ordering: .relaxed).newValue)
    }
}
