package import GRDB
package import Identity
package import LinkMeasurement
package import Pairing
internal import Storage

/// A test that was admitted: its slot is taken and its first bytes are charged.
struct Admission: Sendable {
    let testID: String
    let params: SessionParameters
    /// Bytes charged so far.
    let charged: Int
    /// Bytes that are charged at once from then on.
    let instalment: Int
}

/// Decides who may do what, and records the decision in the same step.
///
/// One actor on a queue of its own: between a decision and its record nothing else runs, so two requests for the last
/// slot cannot both get it.
package actor Governor {
    /// Bytes charged to a peer ahead of their use, who waits for them where need be: a kill can thus only count too much.
    static let instalment = 256 << 20

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
    /// Ends of tests that wait for busy books, and what writes them.
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

    /// Ends in the books what a killed server left running; returns the ids.
    package func closeAbandoned() async throws -> [String] {
        try await BusyDatabase.retrying { try accounts.closeAbandoned(now: clock.unixMilliseconds()) }
    }

    // MARK: Peers

    package func isAuthorised(_ peer: EndpointID) -> Bool {
        configured.contains(peer) || paired.contains(peer)
    }

    package func isPairingOpen() -> Bool { paired.isOpen(at: clock.monotonicNanoseconds()) }

    package func pairingRemaining() -> UInt64? { paired.remaining(at: clock.monotonicNanoseconds()) }

    package func openPairing(_ token: PairingToken, for ttl: PairingTTL) {
        paired.open(token, for: ttl, at: clock.monotonicNanoseconds())
    }

    /// Tries a token. The caller enrols the peer with ``enrol(_:)`` once the decision is in the audit log.
    func presentToken(_ token: String) -> PairingWindow.Verdict {
        paired.present(token, at: clock.monotonicNanoseconds())
    }

    /// The pairing came to nothing: its token is good again, as long as it was.
    func reinstatePairing(_ token: String) { paired.reinstate(token) }

    func enrol(_ peer: PairedPeer) async throws {
        try await BusyDatabase.retrying { try paired.enroll(peer) }
    }

    package func pairedPeers() -> [PairedPeer] {
        paired.all.sorted { ($0.pairedAt, $0.endpointID.description) < ($1.pairedAt, $1.endpointID.description) }
    }

    /// Configured peers, which only the configuration file can remove.
    package func configuredPeers() -> [EndpointID] {
        configured.sorted { $0.description < $1.description }
    }

    /// The configuration was read again. Gives the peers that nobody lets in any more.
    func configure(_ peers: Set<EndpointID>) -> [EndpointID] {
        let gone = configured.subtracting(peers)
        configured = peers
        return gone.filter { !paired.contains($0) }
    }

    package func isConfigured(_ peer: EndpointID) -> Bool { configured.contains(peer) }

    /// Whether the peer is paired, or would be again after a restart.
    package func knows(_ peer: EndpointID) -> Bool { paired.knows(peer) }

    /// The peer is unknown from here on, also when that cannot be stored: then it would be known again after a restart,
    /// and this throws.
    package func remove(_ peer: EndpointID) async throws {
        try await BusyDatabase.retrying { try paired.remove(peer) }
    }

    /// False when the peer was not paired.
    package func rename(_ peer: EndpointID, to label: String) async throws -> Bool {
        try await BusyDatabase.retrying {
            try paired.update(peer, stored: { try $0.rename(peer, to: label) }, { $0.label = label })
        }
    }

    // MARK: Tests

    /// Takes a slot for a test or throws why there is none.
    func admit(
        _ request: SessionRequest,
        from peer: EndpointID,
        testID: String,
        clientHasNative: Bool,
        iperf: IperfProgram?
    ) async throws -> Admission {
        guard isAuthorised(peer) else {
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
                return min(policy.quotas.instalment, policy.quotas.maxBytesPerDayPerPeer - usage.bytesToday)
            }
            running[testID] = peer
            return charged
        }
        return Admission(testID: testID, params: params, charged: charged, instalment: policy.quotas.instalment)
    }

    /// Charges a running test one instalment more, or what is left of the day; 0 when the day's budget is spent. Waits as long
    /// as the books are busy and the test runs: that is no fault of the test.
    func charge(_ testID: String) async throws -> Int {
        try await BusyDatabase.retrying(for: nil) {
            guard let peer = running[testID] else { return 0 }
            return try accounts.charge(
                testID: testID,
                peer: peer.description,
                bytes: policy.quotas.instalment,
                limit: policy.quotas.maxBytesPerDayPerPeer,
                now: clock.unixMilliseconds()
            )
        }
    }

    /// Settles a test and frees its slot. The slot is free even when the books cannot be written. While they are busy the
    /// entry waits, and only the next test and the shutdown wait for it.
    ///
    /// - Parameter late: told why an entry that had to wait could not be written.
    func finish(_ testID: String, bytes: Int, late: @escaping @Sendable (any Error) -> Void) throws {
        guard running.removeValue(forKey: testID) != nil else { return }
        let now = clock.unixMilliseconds()
        try settle(Settlement(late: late) { [accounts] in try accounts.finish(testID: testID, bytes: bytes, now: now) })
    }

    /// Takes back a test that could not start.
    func cancel(_ testID: String, late: @escaping @Sendable (any Error) -> Void) throws {
        guard running.removeValue(forKey: testID) != nil else { return }
        try settle(Settlement(late: late) { [accounts] in try accounts.cancel(testID: testID) })
    }

    private struct Settlement {
        let late: @Sendable (any Error) -> Void
        let write: @Sendable () throws -> Void
    }

    /// Writes the end of a test now or, when the books are busy, as soon as they are not.
    private func settle(_ settlement: Settlement) throws {
        do {
            try settlement.write()
        } catch let error where BusyDatabase.isBusy(error) {
            // No test begins before these are written, so there are never more than ran when the books became busy.
            settlements.append(settlement)
            // Outlives the test that it settles, and ends with the books' answer.
            settling = settling ?? Task { await settleLate() }
        }
    }

    private func settleLate() async {
        try? await BusyDatabase.retrying(for: nil) { try writeSettlements() }
        settling = nil
    }

    /// Throws only while the books are busy.
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

    /// Returns when all tests that ended are in the books.
    func settled() async { await settling?.value }

    package func runningTests() -> [String: EndpointID] { running }

    func today(_ peer: EndpointID) throws -> (tests: Int, bytes: Int) {
        try accounts.today(of: peer.description, now: clock.unixMilliseconds())
    }

    func activeTest(of peer: EndpointID) -> String? {
        running.first { $0.value == peer }?.key
    }
}
