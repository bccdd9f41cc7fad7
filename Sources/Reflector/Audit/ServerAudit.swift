package import Identity
internal import LinkMeasurement
package import Logging
package import Operations
internal import Pairing
internal import Synchronization

/// The reflector's events. The code path that causes an event writes it.
package enum AuditEvent: String, CaseIterable, Sendable {
    case connectionAccepted = "connection_accepted"
    case connectionDenied = "connection_denied"
    case sessionGranted = "session_granted"
    case sessionDenied = "session_denied"
    case sessionCompleted = "session_completed"
    case pairingEnabled = "pairing_enabled"
    case peerPaired = "peer_paired"
    case peerRemoved = "peer_removed"
    case identityRotated = "identity_rotated"
}

/// Writes the server's events. Every call returns once the line is on the disk, and throws if it is not: then the
/// decision must not take effect.
package final class ServerAudit: Sendable {
    package let log: AuditLog
    private let endpoint: Mutex<EndpointID>
    private let lastReopening = Mutex<ContinuousClock.Instant?>(nil)
    private static let reopeningInterval = Duration.seconds(5)

    private struct Refusals {
        var budget: RefusalBudget
        var total: UInt64 = 0
        /// Writes the sum at the end of its window; exists only while something is suppressed.
        var timer: Task<Void, Never>?
        var isClosed = false
    }
    private let refusals: Mutex<Refusals>
    let denials: Mutex<Denials>
    let clock: ServerClock

    /// Receives the sums, too; the server's log follows the same budget.
    private let logger: Logger?

    package convenience init(log: AuditLog, endpoint: EndpointID, logger: Logger? = nil) {
        self.init(log: log, endpoint: endpoint, budget: RefusalBudget(), logger: logger)
    }

    init(
        log: AuditLog,
        endpoint: EndpointID,
        budget: RefusalBudget,
        clock: ServerClock = .system,
        logger: Logger? = nil
    ) {
        self.log = log
        self.logger = logger
        self.endpoint = Mutex(endpoint)
        self.refusals = Mutex(Refusals(budget: budget))
        self.denials = Mutex(
            Denials(budgets: DenialBudgets(each: budget), failures: DenialBudgets(each: budget))
        )
        self.clock = clock
    }

    package func identityChanged(to endpoint: EndpointID) {
        self.endpoint.withLock { $0 = endpoint }
    }

    package var isHealthy: Bool { log.isHealthy }

    /// What keeps the log closed, for health checks and the log's owner; nil while it is open.
    package var problem: String? {
        guard let refusal = log.refusal else { return nil }
        return refusal.isTampering
            ? "audit log is not as it was left, sessions are denied"
            : "audit log cannot be written, sessions are denied"
    }

    /// A log that failed, for example because its disk was full, is retried before a decision, but not before every one
    /// of a flood.
    private func reopenIfDue() async throws {
        guard let refusal = log.refusal else { return }
        if case .closed = refusal { throw refusal }
        let isDue = lastReopening.withLock { last in
            guard last.map({ ContinuousClock.now - $0 >= Self.reopeningInterval }) ?? true else { return false }
            last = .now
            return true
        }
        guard isDue else { return }
        do {
            let opening = try await log.reopen()
            logger?.warning("the audit log is open again", metadata: Self.metadata(opening, path: log.path))
        } catch {
            // At most once per interval.
            logger?.critical("the audit log stays closed", metadata: ["error": "\(error)"])
            throw error
        }
    }

    /// What was cut off, for the log on standard error.
    static func metadata(_ opening: AuditOpening, path: String) -> Logger.Metadata {
        ["path": "\(path)", "cut.bytes": "\(opening.cutBytes)", "cut.lines": "\(opening.cutLines)"]
    }

    func write(_ event: AuditEvent, _ fill: (inout AuditRecord) -> Void) async throws {
        var record = AuditRecord(event.rawValue)
        record.endpointID = endpoint.withLock { $0.description }
        fill(&record)
        try await reopenIfDue()
        try await log.append(record)
    }

    /// Closes the log's current file and continues in a new one.
    package func rotateLog() async throws -> AuditArchive {
        try await reopenIfDue()
        return try await log.rotate()
    }

    func connectionAccepted(_ peer: EndpointID, address: String) async throws {
        try await write(.connectionAccepted) {
            $0.peerID = peer.description
            $0.params = ["address": .string(address)]
            $0.decision = "allow"
        }
    }

    // MARK: Refused connections

    /// Refused connections since the start, with or without a line of their own.
    var refusedConnections: UInt64 { refusals.withLock { $0.total } }

    /// `peer` is nil if the certificate identified no key. Anyone can cause these endlessly, so beyond a budget they
    /// are counted and summed up in one line. `isPairing` marks those that a pairing window bounds, which always get a
    /// line.
    /// - Returns: whether this one got a line of its own; only then may it have one in any other log.
    @discardableResult
    func connectionDenied(
        _ peer: EndpointID?,
        address: String,
        reason: String,
        isPairing: Bool = false
    ) async throws -> Bool {
        let decision: RefusalBudget.Decision = refusals.withLock { refusals in
            refusals.total += 1
            guard !isPairing, !refusals.isClosed else { return .write }
            let decision = refusals.budget.decide(now: clock.monotonicNanoseconds(), time: Timestamp.now.microseconds)
            if decision == .suppress(startsWindow: true) { refusals.timer = timer(window: refusals.budget.window) }
            return decision
        }
        guard decision == .write else { return false }
        try await write(.connectionDenied) {
            $0.peerID = peer?.description
            $0.params = ["address": .string(address)]
            $0.decision = "deny"
            $0.reason = reason
        }
        return true
    }

    private func timer(window: Duration) -> Task<Void, Never> {
        Task {
            do { try await Task.sleep(for: window) } catch { return }
            await writeSuppressed()
        }
    }

    /// One line for all refusals that had none. If it cannot be written they stay counted, and it is retried.
    private func writeSuppressed() async {
        guard let sum = refusals.withLock({ $0.budget.takeSuppressed() }) else { return }
        do {
            try await writeSum(
                .connectionDenied,
                sum,
                of: nil,
                reason: "too many refused connections: they were only counted",
                told: "connections denied, too many to log each"
            )
        } catch {
            refusals.withLock { refusals in
                refusals.budget.restore(sum)
                if !refusals.isClosed { refusals.timer = timer(window: refusals.budget.window) }
            }
        }
    }

    /// One line, in both logs, for all of `sum`.
    func writeSum(
        _ event: AuditEvent,
        _ sum: RefusalBudget.Suppressed,
        of peer: EndpointID?,
        reason: String,
        told: Logger.Message
    ) async throws {
        let first = Timestamp(microseconds: sum.first).description
        let last = Timestamp(microseconds: sum.last).description
        try await write(event) {
            $0.peerID = peer?.description
            $0.params = [
                "suppressed": .integer(Int64(sum.count)), "first": .string(first), "last": .string(last),
            ]
            $0.decision = "deny"
            $0.reason = reason
        }
        var metadata: Logger.Metadata = ["suppressed": "\(sum.count)", "first": "\(first)", "last": "\(last)"]
        metadata["peer.id"] = peer.map { "\($0)" }
        logger?.info(told, metadata: metadata)
    }

    /// Writes what was only counted and closes the log.
    package func close() async {
        let timer = refusals.withLock { refusals in
            refusals.isClosed = true
            return refusals.timer
        }
        timer?.cancel()
        await timer?.value
        await writeSuppressed()
        await closeDenials()
        await log.close()
    }

    // MARK: Decisions on peers

    func sessionGranted(_ session: LiveSession, pid: Int32?) async throws {
        try await write(.sessionGranted) {
            $0.peerID = session.peer.description
            $0.testID = session.testID
            $0.testType = session.type.rawValue
            $0.params = Self.parameters(session.params, mode: session.mode)
            $0.decision = "grant"
            $0.pid = pid.map(Int64.init)
        }
    }

    func sessionCompleted(_ session: LiveSession, result: SessionResult, pid: Int32?, exitCode: Int32?) async throws {
        try await write(.sessionCompleted) {
            $0.peerID = session.peer.description
            $0.testID = session.testID
            $0.testType = session.type.rawValue
            $0.params = Self.parameters(session.params, mode: session.mode)
            $0.reason = result.endReason
            $0.bytesSent = Int64(result.bytesDown)
            $0.bytesReceived = Int64(result.bytesUp)
            $0.durationMS = Int64(result.durationMs)
            $0.pid = pid.map(Int64.init)
            $0.exitCode = exitCode.map(Int64.init)
        }
    }

    func pairingEnabled(ttlSeconds: Int) async throws {
        try await write(.pairingEnabled) {
            $0.params = ["ttl_sec": .integer(Int64(ttlSeconds))]
            $0.decision = "allow"
        }
    }

    func peerPaired(_ peer: PairedPeer) async throws {
        try await write(.peerPaired) {
            $0.peerID = peer.endpointID.description
            var params: [String: AuditRecord.Value] = [:]
            params["label"] = peer.label.map { .string($0) }
            params["address"] = peer.pairedFrom.map { .string($0) }
            $0.params = params
            $0.decision = "allow"
        }
    }

    /// `reason` if another cause than its owner removed it.
    package func peerRemoved(_ peer: EndpointID, reason: String? = nil) async throws {
        try await write(.peerRemoved) {
            $0.peerID = peer.description
            $0.decision = "deny"
            $0.reason = reason
        }
    }

    /// Written before the key is replaced, and again with `failure` if the replacement failed.
    func identityRotated(
        from old: EndpointID,
        to new: EndpointID,
        keptAt path: String,
        failure: String? = nil
    ) async throws {
        try await write(.identityRotated) {
            $0.params = [
                "old_endpoint_id": .string(old.description),
                "new_endpoint_id": .string(new.description),
                "old_key": .string(path),
            ]
            $0.decision = failure == nil ? "allow" : "deny"
            $0.reason = failure.map { "the old key stays: \($0)" }
        }
    }

    static func parameters(_ params: SessionParameters, mode: DataMode) -> [String: AuditRecord.Value] {
        var values: [String: AuditRecord.Value] = [
            "mode": .string(mode.rawValue),
            "duration_sec": .integer(Int64(params.durationSec)),
        ]
        values["protocol"] = params.transport.map { .string($0.rawValue) }
        values["streams"] = params.streams.map { .integer(Int64($0)) }
        values["reverse"] = params.reverse.map { .boolean($0) }
        values["bidirectional"] = params.bidirectional.map { .boolean($0) }
        values["bitrate_bps"] = params.bitrateBps.map { .integer(Int64($0)) }
        values["engine"] = params.engine.map { .string($0.rawValue) }
        values["latency_probe"] = params.latencyProbe.map { .boolean($0) }
        return values
    }
}
