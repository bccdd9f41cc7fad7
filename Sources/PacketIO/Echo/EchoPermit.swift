/// Who may come with a token.
package enum EchoPeer: Hashable, Sendable {
    /// Datagrams from this address; the first port that presents the token is the only one from then on.
    case host(InternetHost)
    /// Datagrams inside one authenticated stream, numbered by its owner.
    case tunnel(UInt64)
}

/// Where a datagram came from.
package enum EchoSource: Hashable, Sendable {
    case datagram(InternetAddress)
    case tunnel(UInt64)
}

/// What a grant allows one client.
package struct EchoPermit: Sendable {
    package var token: AccessToken
    package var peer: EchoPeer
    package var maximumPacketsPerSecond: Int
    /// Gives the UDP payload bytes of both directions; nil for as many as come.
    package var account: (any ByteAccount)?

    package init(
        token: AccessToken,
        peer: EchoPeer,
        maximumPacketsPerSecond: Int,
        account: (any ByteAccount)? = nil
    ) {
        self.token = token
        self.peer = peer
        self.maximumPacketsPerSecond = maximumPacketsPerSecond
        self.account = account
    }
}

/// Why a datagram got no reply.
package enum EchoDropReason: Hashable, Sendable, CaseIterable {
    /// Too short, too long, or not ours.
    case malformed
    case unknownToken
    /// From another address or port than the permit's.
    case wrongSource
    case rate
    case budget
}

/// What one permit has seen.
package struct EchoCounters: Equatable, Sendable {
    /// Datagrams with this token from its peer.
    package var packetsReceived: UInt64 = 0
    package var repliesSent: UInt64 = 0
    /// UDP payload bytes.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Sequences that arrived at least once. What the client sent less this was lost on the way here.
    package var distinctSequences: UInt64 = 0
    package var duplicates: UInt64 = 0
    /// First arrivals behind a higher sequence (RFC 4737).
    package var reordered: UInt64 = 0
    /// Arrivals too far behind to tell whether they were duplicates; in no other of these three counts.
    package var tooOld: UInt64 = 0
    package var highestSequence: UInt64?
    package var wrongSource: UInt64 = 0
    /// Bytes, headers included, that came from the permit's address and belonged to no test: malformed, with another token,
    /// or from another port. They are taken from the permit's account.
    package var bytesRefused: UInt64 = 0
    package var overRate: UInt64 = 0
    package var overBudget: UInt64 = 0
    /// Replies that this machine's kernel refused to send.
    package var unsent: UInt64 = 0

    package init() {}
}

/// What came without a live permit.
package struct EchoStrangers: Equatable, Sendable {
    package var malformed: UInt64 = 0
    package var unknownToken: UInt64 = 0

    package init() {}
}
