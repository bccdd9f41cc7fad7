/// How many bytes a sender keeps ready that TCP has not sent yet: what the connection takes in 20 ms. With less, TCP
/// waits for the sender. With more, megabytes stay in this machine's buffers, count as sent before they leave, and are
/// still in transit when the test is over. No clock inside.
package struct UnsentLimit: Sendable, Equatable {
    /// A full TLS record, and more than TCP's first flight.
    package static let least = 16 << 10
    /// From here on the kernel's own limit for a socket applies (`tcp_wmem`).
    package static let most = 4 << 20
    /// How long the bytes last, and the time between two samples, in nanoseconds.
    static let reach: Int64 = 20_000_000

    package private(set) var bytes = Self.least
    private var since: Int64
    private var counted: UInt64 = 0

    package init(at now: Int64) {
        since = now
    }

    /// - Parameter total: bytes that the connection took so far.
    /// - Returns: the new limit if it is at least twice or at most half of the last one; else nil.
    @inline(__always)
    package mutating func update(total: UInt64, at now: Int64) -> Int? {
        guard now - since >= Self.reach else { return nil }
        return renew(total, now)
    }

    private mutating func renew(_ total: UInt64, _ now: Int64) -> Int? {
        let taken = Double(total - counted) * Double(Self.reach) / Double(now - since)
        (since, counted) = (now, total)
        let wished = Int(min(max(taken, Double(Self.least)), Double(Self.most)))
        guard wished >= bytes * 2 || wished <= bytes / 2 else { return nil }
        bytes = wished
        return wished
    }
}
