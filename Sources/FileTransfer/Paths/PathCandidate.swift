/// An address from which authentic packets came, until the peer proves that it receives there: RFC 9000, section 8.2.
struct PathCandidate: Sendable {
    /// Challenges of one path.
    static let mostChallenges = 4
    /// Nanoseconds until a path is forgotten that does not answer: three probe timeouts of a path that nothing is known
    /// of, RFC 9000, section 8.2.4.
    static let lifetime: Int64 = 3_000_000_000
    /// Nanoseconds after the first challenge until the second; then twice as long each time.
    static let firstPause: Int64 = 250_000_000
    /// What may be sent for each byte that came: RFC 9000, section 8.1.
    static let amplification = 3

    /// Random bytes that only a receiver at this address can know.
    let challenge: UInt64
    /// Whether it has the host of the session's path, and another port: a NAT gave it out anew.
    var isSameHost: Bool
    let expires: Instant
    /// Bytes that may be sent there now.
    private(set) var budget: Int
    private(set) var challenges = 0
    private(set) var nextChallenge: Instant
    private(set) var isValidated = false
    /// What the peer's challenge said that came from there.
    var response: PathToken?

    /// - Parameter budget: 0 for an address of which nothing is known.
    init(isSameHost: Bool, budget: Int, now: Instant) {
        challenge = .random(in: .min ... .max)
        self.isSameHost = isSameHost
        self.budget = budget
        nextChallenge = now
        expires = now + Self.lifetime
    }

    var canChallenge: Bool {
        !isValidated && challenges < Self.mostChallenges && budget >= PathToken.leastPacket
    }

    /// Authentic bytes came from there.
    mutating func received(_ bytes: Int) { budget += Self.amplification * bytes }

    mutating func sent(_ bytes: Int) { budget -= bytes }

    mutating func challenged(now: Instant) {
        nextChallenge = now + Self.firstPause << Int64(challenges)
        challenges += 1
    }

    mutating func answered(_ token: PathToken) { if challenges > 0, token.random == challenge { isValidated = true } }
}
