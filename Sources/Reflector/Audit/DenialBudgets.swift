internal import Identity

/// Which denials get a line of their own: a ``RefusalBudget`` for each known peer. No clock inside: times are
/// arguments.
struct DenialBudgets: Sendable {
    /// Above this number, budgets of quiet peers are dropped, because a new one would be equal.
    private static let mostKept = 64

    private let fresh: RefusalBudget
    private var budgets: [EndpointID: RefusalBudget] = [:]

    /// - Parameter budget: each peer's at the beginning.
    init(each budget: RefusalBudget = RefusalBudget()) { fresh = budget }

    var window: Duration { fresh.window }

    /// - Parameters:
    ///   - now: nanoseconds of a monotonic clock.
    ///   - time: Unix microseconds.
    mutating func decide(_ peer: EndpointID, now: UInt64, time: Int64) -> RefusalBudget.Decision {
        if budgets[peer] == nil, budgets.count >= Self.mostKept {
            budgets = budgets.filter { !$0.value.isFresh(at: now) }
        }
        return budgets[peer, default: fresh].decide(now: now, time: time)
    }

    /// Takes the counts of every peer.
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
