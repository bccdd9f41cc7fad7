package import LinkMeasurement
package import PacketIO

/// Who may present a token.
package enum EchoPeer: Hashable, Sendable {
    /// Datagrams from this address; the first port that presents the token is the only one from then on.
    case host(InternetHost)
    /// Datagrams inside one authenticated stream, numbered by its owner.
    case tunnel(UInt64)
}

/// The source of a datagram.
package enum EchoSource: Hashable, Sendable {
    case datagram(InternetAddress)
    case tunnel(UInt64)
}

/// What a grant allows one client.
package struct EchoPermit: Sendable {
    package var token: AccessToken
    package var peer: EchoPeer
    package var maximumPacketsPerSecond: Int
    /// Grants the UDP payload bytes of both directions; nil for no limit.
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
    /// Too short, too long, or not an echo datagram.
    case malformed
    case unknownToken
    /// From another address or port than the permit's.
    case wrongSource
    case rate
    case budget
}

/// What arrived for one permit.
package struct EchoCounters: Equatable, Sendable {
    /// Datagrams with this token from its peer.
    package var packetsReceived: UInt64 = 0
    package var repliesSent: UInt64 = 0
    /// UDP payload bytes.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Sequences that arrived at least once. The rest of what the client sent was lost on the way here.
    package var distinctSequences: UInt64 = 0
    package var duplicates: UInt64 = 0
    /// First arrivals after a higher sequence (RFC 4737).
    package var reordered: UInt64 = 0
    /// Arrivals too old to tell whether they were duplicates; in none of the other three counts.
    package var tooOld: UInt64 = 0
    package var highestSequence: UInt64?
    package var wrongSource: UInt64 = 0
    /// Bytes, headers included, from the permit's address that belonged to no test: malformed, with another token, or
    /// from another port. They are charged to the permit's account.
    package var bytesRefused: UInt64 = 0
    package var overRate: UInt64 = 0
    package var overBudget: UInt64 = 0
    /// Replies that this machine's kernel refused to send.
    package var unsent: UInt64 = 0

    package init() {}
}

/// What arrived without a live permit.
package struct EchoStrangers: Equatable, Sendable {
    package var malformed: UInt64 = 0
    package var unknownToken: UInt64 = 0

    package init() {}
}
