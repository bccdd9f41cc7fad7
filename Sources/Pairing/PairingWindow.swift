internal import Crypto

/// The time in which one unknown machine may present the one-time token. No clock inside: times are arguments, in
/// nanoseconds of a monotonic clock that also counts during suspend (`CLOCK_BOOTTIME`).
package struct PairingWindow: Equatable, Sendable {
    /// Wrong tokens that close a window.
    package static let maximumAttempts = 5

    package enum Verdict: Equatable, Sendable {
        /// The token was right; the window is spent.
        case accepted
        case wrongToken(attemptsLeft: Int)
        /// There is no window: never opened, spent, expired, or closed by wrong tokens.
        case closed
    }

    private struct Opening: Equatable, Sendable {
        /// SHA-256 of the token: the token itself is never kept.
        let tokenHash: [UInt8]
        let closesAt: UInt64
        var attemptsLeft: Int
    }

    private var opening: Opening?
    /// The window that the last valid token spent.
    private var spent: Opening?

    package init() {}

    /// Opens a window and replaces an open one.
    package mutating func open(token: String, closesAt: UInt64) {
        opening = Opening(tokenHash: Self.hash(token), closesAt: closesAt, attemptsLeft: Self.maximumAttempts)
        spent = nil
    }

    package func isOpen(at now: UInt64) -> Bool {
        guard let opening else { return false }
        return now < opening.closesAt
    }

    /// Nanoseconds until an open window closes.
    package func remaining(at now: UInt64) -> UInt64? {
        guard let opening, now < opening.closesAt else { return nil }
        return opening.closesAt - now
    }

    package mutating func present(_ token: String, at now: UInt64) -> Verdict {
        guard var current = opening, now < current.closesAt else {
            opening = nil
            return .closed
        }
        // Hashing both sides first makes the comparison's time independent of the token.
        if Self.equal(Self.hash(token), current.tokenHash) {
            spent = current
            opening = nil
            return .accepted
        }
        current.attemptsLeft -= 1
        opening = current.attemptsLeft > 0 ? current : nil
        return .wrongToken(attemptsLeft: current.attemptsLeft)
    }

    /// Reopens the window that this token spent, because the pairing failed; does not replace a newer one.
    package mutating func reinstate(_ token: String) {
        guard let spent, Self.equal(Self.hash(token), spent.tokenHash) else { return }
        if opening == nil { opening = spent }
        self.spent = nil
    }

    private static func hash(_ token: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(token.lowercased().utf8)))
    }

    private static func equal(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        var difference: UInt8 = 0
        for (a, b) in zip(one, other) { difference |= a ^ b }
        return difference == 0
    }
}
