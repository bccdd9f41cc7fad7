/// What is kept of a machine that a pairing window let in.
package protocol PairedRecord: Sendable {
    associatedtype ID: Hashable & Sendable

    /// By what the machine is known from now on; one record for each.
    var pairedID: ID { get }
}

/// Where the records outlive the process.
package protocol PairedStore: Sendable {
    associatedtype Record: PairedRecord

    func all() throws -> [Record]
    /// Adds a record, or renews the one of the same ID.
    func add(_ record: Record) throws
    /// False when there was none.
    func remove(_ id: Record.ID) throws -> Bool
}
