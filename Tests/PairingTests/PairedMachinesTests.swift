internal import Synchronization
internal import Testing

@testable import Pairing

/// What another tool than the reflector may pair: nodes with a number.
private struct Node: PairedRecord, Equatable {
    var pairedID: Int
    var role: String
}

private final class Store: PairedStore {
    struct Full: Error {}

    let records = Mutex<[Node]>([])
    let isBroken = Mutex(false)

    func all() -> [Node] { records.withLock { $0 } }

    func add(_ record: Node) throws {
        if isBroken.withLock({ $0 }) { throw Full() }
        records.withLock { $0 = $0.filter { $0.pairedID != record.pairedID } + [record] }
    }

    func remove(_ id: Int) throws -> Bool {
        if isBroken.withLock({ $0 }) { throw Full() }
        return records.withLock { records in
            defer { records.removeAll { $0.pairedID == id } }
            return records.contains { $0.pairedID == id }
        }
    }
}

@Suite("Machines that were paired, of any tool")
struct PairedMachinesTests {
    private let store = Store()
    private static let ttl = PairingTTL.standard

    @Test func `one token lets one machine in, which is known after a restart`() throws {
        var machines = try PairedMachines(store: store, maximum: 2)
        let token = PairingToken.random()
        machines.open(token, for: Self.ttl, at: 5)
        #expect(machines.remaining(at: 6) == 600_000_000_000 - 1)
        #expect(machines.present(token.text, at: 6) == .accepted)
        try machines.enroll(Node(pairedID: 1, role: "agent"))
        #expect(machines.present(token.text, at: 7) == .closed)
        #expect(try PairedMachines(store: store, maximum: 2).contains(1))
    }

    @Test func `a window closes at its end, on the clock that is given`() throws {
        var machines = try PairedMachines(store: store, maximum: 2)
        let token = PairingToken.random()
        machines.open(token, for: try PairingTTL(asking: 1), at: 10)
        #expect(machines.isOpen(at: 1_000_000_009) && !machines.isOpen(at: 1_000_000_010))
        #expect(machines.present(token.text, at: 1_000_000_010) == .closed)
    }

    @Test func `when there is no room, or the store fails, no machine is enrolled and the token is valid again`() throws
    {
        var machines = try PairedMachines(store: store, maximum: 1)
        let token = PairingToken.random()
        machines.open(token, for: Self.ttl, at: 0)
        #expect(machines.present(token.text, at: 1) == .accepted)
        store.isBroken.withLock { $0 = true }
        #expect(throws: Store.Full.self) { try machines.enroll(Node(pairedID: 1, role: "agent")) }
        #expect(!machines.contains(1))
        machines.reinstate(token.text)
        #expect(machines.isOpen(at: 2))
        store.isBroken.withLock { $0 = false }
        try machines.enroll(Node(pairedID: 1, role: "agent"))
        #expect(throws: TooManyPaired.self) { try machines.enroll(Node(pairedID: 2, role: "agent")) }
        // The one that is known may come again.
        try machines.enroll(Node(pairedID: 1, role: "tool"))
        #expect(machines.all.map(\.role) == ["tool"])
    }

    @Test
    func `a machine that is removed is unknown at once, also when the store fails; then it is still to be removed`()
        throws
    {
        var machines = try PairedMachines(store: store, maximum: 2)
        try machines.enroll(Node(pairedID: 1, role: "agent"))
        store.isBroken.withLock { $0 = true }
        #expect(throws: Store.Full.self) { try machines.remove(1) }
        #expect(!machines.contains(1) && machines.knows(1))
        store.isBroken.withLock { $0 = false }
        try machines.remove(1)
        #expect(!machines.knows(1))
    }

    @Test func `what is kept of a machine changes with the store, or not at all`() throws {
        var machines = try PairedMachines(store: store, maximum: 2)
        try machines.enroll(Node(pairedID: 1, role: "agent"))
        #expect(try machines.update(1, stored: { _ in true }, { $0.role = "tool" }))
        #expect(try !machines.update(1, stored: { _ in false }, { $0.role = "none" }))
        #expect(machines.all.map(\.role) == ["tool"])
    }
}
