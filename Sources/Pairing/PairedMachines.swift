/// The paired machines, and the window for the next one. A value without clock and lock: its owner, an actor or a lock,
/// decides and records in one step.
///
/// Enrolling has an order. ``present(_:at:)`` spends the window; then the owner writes its audit line; then
/// ``enroll(_:)`` makes the machine known. If one of the last two fails, ``reinstate(_:)`` makes the token valid again.
package struct PairedMachines<Store: PairedStore>: Sendable {
    package typealias Record = Store.Record

    private let store: Store
    /// Most machines: each needs a pairing by hand, so this many is a mistake or an attack.
    private let maximum: Int
    private var records: [Record.ID: Record] = [:]
    private var window = PairingWindow()

    /// Reads the stored machines.
    package init(store: Store, maximum: Int) throws {
        self.store = store
        self.maximum = maximum
        for record in try store.all() { records[record.pairedID] = record }
    }

    // MARK: The window

    /// Opens a window and replaces an open one.
    package mutating func open(_ token: PairingToken, for ttl: PairingTTL, at now: UInt64) {
        window.open(token: token.text, closesAt: now &+ UInt64(ttl.seconds) * 1_000_000_000)
    }

    package func isOpen(at now: UInt64) -> Bool { window.isOpen(at: now) }

    /// Nanoseconds until an open window closes.
    package func remaining(at now: UInt64) -> UInt64? { window.remaining(at: now) }

    package mutating func present(_ token: String, at now: UInt64) -> PairingWindow.Verdict {
        window.present(token, at: now)
    }

    /// The pairing failed: its token is valid again, for the rest of its time.
    package mutating func reinstate(_ token: String) { window.reinstate(token) }

    // MARK: The machines

    package var all: some Collection<Record> { records.values }

    package func contains(_ id: Record.ID) -> Bool { records[id] != nil }

    /// Whether the machine is known, or would be again after a restart: a removal may have failed to reach the store.
    package func knows(_ id: Record.ID) -> Bool {
        records[id] != nil || (try? store.all().contains { $0.pairedID == id }) == true
    }

    /// Makes the machine known, permanently.
    ///
    /// - Throws: ``TooManyPaired``, or what the store throws; then nothing has changed.
    package mutating func enroll(_ record: Record) throws {
        guard records[record.pairedID] != nil || records.count < maximum else { throw TooManyPaired(maximum: maximum) }
        try store.add(record)
        records[record.pairedID] = record
    }

    /// Changes what is stored of a machine: `stored` writes it, and returns whether the machine was there.
    package mutating func update(
        _ id: Record.ID,
        stored: (Store) throws -> Bool,
        _ change: (inout Record) -> Void
    ) throws -> Bool {
        guard try stored(store) else { return false }
        if var record = records.removeValue(forKey: id) {
            change(&record)
            records[id] = record
        }
        return true
    }

    /// The machine is unknown from here on. If that cannot be stored, it would be known again after a restart, and this
    /// throws.
    package mutating func remove(_ id: Record.ID) throws {
        records[id] = nil
        _ = try store.remove(id)
    }
}

/// There is no room for another machine.
package struct TooManyPaired: Error, CustomStringConvertible {
    package let maximum: Int

    package var description: String { "\(maximum) peers are paired, which is the limit; remove one first" }
}
