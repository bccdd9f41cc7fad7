/// Bytes that several streams may move together. Their threads call it, so it answers at once.
package protocol ByteAccount: Sendable {
    /// Grants at most `wished` bytes; 0 if nothing is left, nil if more may be granted in a moment.
    /// - Parameter moved: what the stream was granted before, all of which has moved.
    func take(_ wished: Int, moved: Int) -> Int?

    /// Ends a grant of which `unused` bytes did not move.
    func giveBack(_ unused: Int, moved: Int)
}

/// What one stream may still move: its own budget, and what it took from an account. Only the stream's thread has it.
struct ByteShare {
    /// Large enough that streams of gigabytes a second ask only some thousand times.
    private static let wish = 4 << 20

    private let limits: ByteStreamLimits
    private var granted: UInt64 = 0
    /// The account knows the outcome of its grants up to here.
    private var settled: UInt64 = 0

    init(_ limits: ByteStreamLimits) { self.limits = limits }

    /// What may be moved after `moved` bytes; 0 if the budget is spent, nil if the account must be asked again.
    @inline(__always)
    mutating func left(after moved: UInt64) -> UInt64? {
        let own = limits.byteBudget - moved
        guard let account = limits.account, own > 0 else { return own }
        if granted == moved {
            let more = account.take(Int(min(own, UInt64(Self.wish))), moved: Int(moved - settled))
            settled = moved
            guard let more else { return nil }
            granted += UInt64(more)
        }
        return min(own, granted - moved)
    }

    /// The stream has ended after `moved` bytes.
    func settle(_ moved: UInt64) {
        limits.account?.giveBack(Int(granted - moved), moved: Int(moved - settled))
    }
}
