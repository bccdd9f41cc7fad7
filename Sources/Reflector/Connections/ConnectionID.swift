internal import Synchronization

/// Identifies a connection of one server.
package struct ConnectionID: Hashable, Sendable {
    private let number: UInt64

    private static let last = Atomic<UInt64>(0)

    /// An ID that no other connection of this process has.
    package static func next() -> ConnectionID {
        ConnectionID(number: last.add(1, ordering: .relaxed).newValue)
    }
}
