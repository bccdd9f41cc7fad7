internal import Identity
internal import LinkMeasurement
internal import Logging
internal import Operations
internal import Synchronization

/// Denied tests. A known peer can request endlessly what it does not get, so beyond a budget of its own the denials are
/// counted and summed up in one line.
extension ServerAudit {
    struct Denials {
        var budgets: DenialBudgets
        /// Failures that a peer can repeat, which go only to the server's log.
        var failures: DenialBudgets
        /// Writes the sums at the end of their window; exists only while something is suppressed.
        var timer: Task<Void, Never>?
        var isClosed = false
    }

    /// - Returns: whether this one got a line of its own; only then may it have one in any other log.
    @discardableResult
    func sessionDenied(
        _ request: SessionRequest,
        peer: EndpointID,
        mode: DataMode,
        reason: String
    ) async throws -> Bool {
        let decision: RefusalBudget.Decision = denials.withLock { denials in
            guard !denials.isClosed else { return .write }
            let now = clock.monotonicNanoseconds()
            let decision = denials.budgets.decide(peer, now: now, time: Timestamp.now.microseconds)
            // One timer for the sums of all peers.
            if decision != .write, denials.timer == nil { denials.timer = denialTimer(denials.budgets.window) }
            return decision
        }
        guard decision == .write else { return false }
        try await write(.sessionDenied) {
            $0.peerID = peer.description
            $0.testType = request.testType.rawValue
            $0.params = Self.parameters(request.params, mode: mode)
            $0.decision = "deny"
            $0.reason = reason
        }
        return true
    }

    /// Whether a failure that this peer can repeat gets a line in the server's log.
    func mayTell(of peer: EndpointID) -> Bool {
        denials.withLock {
            $0.failures.decide(peer, now: clock.monotonicNanoseconds(), time: 0) == .write
        }
    }

    private func denialTimer(_ window: Duration) -> Task<Void, Never> {
        Task {
            do { try await Task.sleep(for: window) } catch { return }
            denials.withLock { $0.timer = nil }
            await writeDenialSums()
        }
    }

    private func writeDenialSums() async {
        let sums = denials.withLock { $0.budgets.takeSuppressed() }
        for (peer, sum) in sums.sorted(by: { $0.key.description < $1.key.description }) {
            do {
                try await writeSum(
                    .sessionDenied,
                    sum,
                    of: peer,
                    reason: "too many denied tests of this peer: they were only counted",
                    told: "sessions denied, too many to log each"
                )
            } catch {
                denials.withLock { denials in
                    denials.budgets.restore(sum, of: peer)
                    if !denials.isClosed, denials.timer == nil {
                        denials.timer = denialTimer(denials.budgets.window)
                    }
                }
            }
        }
    }

    /// Writes what was only counted.
    func closeDenials() async {
        let timer = denials.withLock { denials in
            denials.isClosed = true
            return denials.timer
        }
        timer?.cancel()
        await timer?.value
        await writeDenialSums()
    }
}
