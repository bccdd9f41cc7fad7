internal import Identity

/// Which denials get a line of their own: a ``RefusalBudget`` for each known peer. No clock inside: times are given.
struct DenialBudgets: Sendable {
    /// Budgets of peers that went quiet are dropped beyond this number, for a new one would be the same.
    private static let mostKept = 64

    private let fresh: RefusalBudget
    private var budgets: [EndpointID: RefusalBudget] = [:]

    /// - Parameter budget: that of each peer at the beginning.
    init(each budget: RefusalBudget = RefusalBudget()) { fresh = budget }

    var window: Duration { fresh.window }

    /// - Parameters:
    ///   - now: nanoseconds of a clock that never goes back.
    ///   - time: Unix microseconds.
    mutating func decide(_ peer: EndpointID, now: UInt64, time: Int64) -> RefusalBudget.Decision {
        if budgets[peer] == nil, budgets.count >= Self.mostKept {
            budgets = budgets.filter { !$0.value.isFresh(at: now) }
        }
        return budgets[peer, default: fresh].decide(now: now, time: time)
    }

    /// Takes what was counted of every peer.
    mutating func takeSuppressed() -> [EndpointID: RefusalBudget.Suppressed] {
        var sums: [EndpointID: RefusalBudget.Suppressed] = [:]
        for peer in budgets.keys { sums[peer] = budgets[peer]?.takeSuppressed() }
        return sums
    }

    /// Puts back a sum that could not be written.
    mutating func restore(_ sum: RefusalBudget.Suppressed, of peer: EndpointID) {
        budgets[peer, default: fresh].restore(sum)
    }
}
