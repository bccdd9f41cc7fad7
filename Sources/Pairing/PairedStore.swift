/// What is stored of a paired machine.
package protocol PairedRecord: Sendable {
    associatedtype ID: Hashable & Sendable

    /// Identifies the machine from now on; one record for each.
    var pairedID: ID { get }
}

/// Stores the records beyond the life of the process.
package protocol PairedStore: Sendable {
    associatedtype Record: PairedRecord

    func all() throws -> [Record]
    /// Adds a record, or replaces the one with the same ID.
    func add(_ record: Record) throws
    /// False if there was none.
    func remove(_ id: Record.ID) throws -> Bool
}
