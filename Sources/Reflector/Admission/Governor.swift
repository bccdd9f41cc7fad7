package import GRDB
package import Identity
package import LinkMeasurement
package import Pairing
internal import Storage

/// An admitted test: its slot is taken and its first bytes are charged.
struct Admission: Sendable {
    let testID: String
    let params: SessionParameters
    /// Bytes charged so far.
    let charged: Int
    /// Bytes charged at a time from then on.
    let installment: Int
}

/// Makes the decisions about peers and tests, and records each in the same step.
///
/// One actor on a queue of its own: nothing else runs between a decision and its record, so two requests for the last
/// slot cannot both get it.
package actor Governor {
    /// Bytes charged to a peer ahead of their use; a test waits for them if necessary, so a kill can only charge too
    /// much.
    static let installment = 256 << 20

    private let executor = QueueExecutor(label: "reflector.governor")
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        // The executor lives as long as the actor.
        unsafe executor.asUnownedSerialExecutor()
    }

    private let policy: SessionPolicy
    private let accounts: AccountStore
    private var configured: Set<EndpointID>
    private var paired: PairedMachines<PeerStore>
    private var running: [String: EndpointID] = [:]
    /// Ends of tests that wait for a busy database, and the task that writes them.
    private var settlements: [Settlement] = []
    private var settling: Task<Void, Never>?
    private let clock: ServerClock

    package init(
        database: DatabaseQueue,
        quotas: Quotas,
        mode: DataMode,
        authorizedPeers: Set<EndpointID>,
        clock: ServerClock
    ) throws {
        self.policy = SessionPolicy(quotas: quotas, mode: mode)
        self.accounts = AccountStore(database: database)
        self.paired = try PairedMachines(
            store: PeerStore(database: database),
            maximum: PeerStore.maximumPeers
        )
        self.configured = authorizedPeers
        self.clock = clock
    }

    /// Ends the tests that a killed server left running in the accounts; returns their IDs.
    package func closeAbandoned() async throws -> [String] {
        try await BusyDatabase.retrying { try accounts.closeAbandoned(now: clock.unixMilliseconds()) }
    }

    // MARK: Peers

    package func isAuthorized(_ peer: EndpointID) -> Bool {
        configured.contains(peer) || paired.contains(peer)
    }

    package func isPairingOpen() -> Bool { paired.isOpen(at: clock.monotonicNanoseconds()) }

    package func pairingRemaining() -> UInt64? { paired.remaining(at: clock.monotonicNanoseconds()) }

    package func openPairing(_ token: PairingToken, for ttl: PairingTTL) {
        paired.open(token, for: ttl, at: clock.monotonicNanoseconds())
    }

    /// Tries a token. The caller enrolls the peer with ``enroll(_:)`` once the decision is in the audit log.
    func presentToken(_ token: String) -> PairingWindow.Verdict {
        paired.present(token, at: clock.monotonicNanoseconds())
    }

    /// The pairing failed: its token is valid again, for the rest of its time.
    func reinstatePairing(_ token: String) { paired.reinstate(token) }

    func enroll(_ peer: PairedPeer) async throws {
        try await BusyDatabase.retrying { try paired.enroll(peer) }
    }

    package func pairedPeers() -> [PairedPeer] {
        paired.all.sorted { ($0.pairedAt, $0.endpointID.description) < ($1.pairedAt, $1.endpointID.description) }
    }

    /// Configured peers, which only the configuration file can remove.
    package func configuredPeers() -> [EndpointID] {
        configured.sorted { $0.description < $1.description }
    }

    /// The configuration was reloaded. Returns the peers that are no longer allowed.
    func configure(_ peers: Set<EndpointID>) -> [EndpointID] {
        let gone = configured.subtracting(peers)
        configured = peers
        return gone.filter { !paired.contains($0) }
    }

    package func isConfigured(_ peer: EndpointID) -> Bool { configured.contains(peer) }

    /// Whether the peer is paired, or would be again after a restart.
    package func knows(_ peer: EndpointID) -> Bool { paired.knows(peer) }

    /// The peer is unknown from here on. If that cannot be stored, the peer would be known again after a restart, and
    /// this throws.
    package func remove(_ peer: EndpointID) async throws {
        try await BusyDatabase.retrying { try paired.remove(peer) }
    }

    /// False if the peer was not paired.
    package func rename(_ peer: EndpointID, to label: String) async throws -> Bool {
        try await BusyDatabase.retrying {
            try paired.update(peer, stored: { try $0.rename(peer, to: label) }, { $0.label = label })
        }
    }

    // MARK: Tests

    /// Takes a slot for a test, or throws why there is none.
    func admit(
        _ request: SessionRequest,
        from peer: EndpointID,
        testID: String,
        clientHasNative: Bool,
        iperf: IperfProgram?
    ) async throws -> Admission {
        guard isAuthorized(peer) else {
            throw SessionDeny(
                reason: .unauthorized,
                message: "this peer is not in the allow-list; pair it first",
                retryAfterSec: nil
            )
        }
        let params = try policy.validate(request, clientHasNative: clientHasNative, iperf: iperf)
        let charged = try await BusyDatabase.retrying {
            try writeSettlements()
            let now = clock.unixMilliseconds()
            let charged = try accounts.begin(
                testID: testID,
                peer: peer.description,
                type: request.testType,
                now: now,
                running: Set(running.keys)
            ) { (usage) throws(SessionDeny) in
                try policy.admit(usage, now: now)
                return min(policy.quotas.installment, policy.quotas.maxBytesPerDayPerPeer - usage.bytesToday)
            }
            running[testID] = peer
            return charged
        }
        return Admission(testID: testID, params: params, charged: charged, installment: policy.quotas.installment)
    }

    /// Charges a running test one more installment, or what is left of the day; 0 if the day's budget is spent. Waits
    /// as long as the database is busy and the test runs, which is no fault of the test.
    func charge(_ testID: String) async throws -> Int {
        try await BusyDatabase.retrying(for: nil) {
            guard let peer = running[testID] else { return 0 }
            return try accounts.charge(
                testID: testID,
                peer: peer.description,
                bytes: policy.quotas.installment,
                limit: policy.quotas.maxBytesPerDayPerPeer,
                now: clock.unixMilliseconds()
            )
        }
    }

    /// Settles a test and frees its slot. The slot is free even if the accounts cannot be written. While the database
    /// is busy, the entry waits, and only the next test and the shutdown wait for it.
    ///
    /// - Parameter late: called if an entry that had to wait could not be written.
    func finish(_ testID: String, bytes: Int, late: @escaping @Sendable (any Error) -> Void) throws {
        guard running.removeValue(forKey: testID) != nil else { return }
        let now = clock.unixMilliseconds()
        try settle(Settlement(late: late) { [accounts] in try accounts.finish(testID: testID, bytes: bytes, now: now) })
    }

    /// Removes a test that could not start.
    func cancel(_ testID: String, late: @escaping @Sendable (any Error) -> Void) throws {
        guard running.removeValue(forKey: testID) != nil else { return }
        try settle(Settlement(late: late) { [accounts] in try accounts.cancel(testID: testID) })
    }

    private struct Settlement {
        let late: @Sendable (any Error) -> Void
        let write: @Sendable () throws -> Void
    }

    /// Writes the end of a test now or, if the database is busy, as soon as it is not.
    private func settle(_ settlement: Settlement) throws {
        do {
            try settlement.write()
        } catch let error where BusyDatabase.isBusy(error) {
            // No test starts before these are written, so there are never more than ran when the database became busy.
            settlements.append(settlement)
            // Outlives the test that it settles, and ends with the database's answer.
            settling = settling ?? Task { await settleLate() }
        }
    }

    private func settleLate() async {
        try? await BusyDatabase.retrying(for: nil) { try writeSettlements() }
        settling = nil
    }

    /// Throws only while the database is busy.
    private func writeSettlements() throws {
        while let first = settlements.first {
            do {
                try first.write()
            } catch let error where !BusyDatabase.isBusy(error) {
                first.late(error)
            }
            settlements.removeFirst()
        }
    }

    /// Returns when all ended tests are in the accounts.
    func settled() async { await settling?.value }

    package func runningTests() -> [String: EndpointID] { running }

    func today(_ peer: EndpointID) throws -> (tests: Int, bytes: Int) {
        try accounts.today(of: peer.description, now: clock.unixMilliseconds())
    }

    func activeTest(of peer: EndpointID) -> String? {
        running.first { $0.value == peer }?.key
    }
}
