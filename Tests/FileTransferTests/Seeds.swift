internal import Glibc

/// Seeds of simulated paths: a few, or as many as `OUTPOST_SEEDS` says, such as 5000, for a machine that has time.
enum Seeds {
    private static let wanted = getenv("OUTPOST_SEEDS").flatMap { unsafe Int(String(cString: $0)) } ?? 0

    static func first(_ count: Int) -> ClosedRange<Int> { 1...max(count, wanted) }
}
