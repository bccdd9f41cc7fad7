internal import Glibc

/// How a member probes and gossips. Times are nanoseconds.
package struct SwimConfiguration: Sendable {
    /// Time between two probes of a member.
    package var period: Int64 = 1_000_000_000
    /// How long a direct ping may take until other members are asked to ping. Below half a period, so that their
    /// answers arrive in time.
    package var pingTimeout: Int64 = 300_000_000
    /// Members that are asked to ping one that did not answer (Das et al.: k).
    package var indirectProbes = 3
    /// Members that get each round of gossip.
    package var gossipFanout = 3
    /// Rounds of gossip in a period, as long as there is news. Das et al. only piggyback; with 500 members that alone
    /// takes nine periods for one piece of news.
    package var gossipRoundsPerPeriod: Int64 = 10
    /// An update is sent λ·⌈log₂(members + 1)⌉ times by each member (Das et al., section 4.1).
    package var retransmission = 3
    /// Least suspicion timeout in periods…
    package var minimumSuspicion = 2.0
    /// …and in periods for each decimal digit of the number of members: the time that news needs to the suspect and
    /// back to all.
    package var suspicionPerDigit = 1.0
    /// An unconfirmed suspicion waits this many times longer (Dadgar et al.: β).
    package var unconfirmedSuspicion = 3.0
    /// After this many probes, the next member on the ring of IDs is probed instead of the next of the shuffled order.
    /// Random orders alone give the first probe of a crashed member an exponential tail; with this it happens within
    /// three periods.
    package var ringProbeInterval = 3
    /// Highest local health score; timeouts and the time between probes are multiplied by the score plus one (Dadgar et
    /// al.: S).
    package var maximumHealthScore = 8
    /// Members in the table, this one and the dead included; further ones are ignored.
    package var maximumMembers = 10_000
    /// Seed addresses in use; further ones are ignored.
    package var maximumSeeds = 64
    /// Pings in progress for others; further ping requests get no answer.
    package var maximumRelays = 256
    /// How long a dead or left member is remembered, in periods: during this time it is not resurrected by accident,
    /// and attempts to reach a dead one continue.
    package var deadRetention: Int64 = 3_600
    /// How long a dead member gets gossip, in periods: a short network partition heals within one round.
    package var gossipToDead: Int64 = 30
    /// Periods between attempts to reach a dead member or seed; every third time a live one's digest is compared
    /// instead.
    package var maintenanceInterval: Int64 = 10
    /// Pages that answer one pull.
    package var pagesPerPull = 8
    /// Pages that may be sent at once, and the time until there is one more. A pull of 200 bytes causes 11 000 bytes of
    /// pages, to wherever the sender claims to be: so pages make at most 1.4 MB a second. At once, 500 members can
    /// learn of each other.
    package var pageBurst = 16_384
    package var pageInterval: Int64 = 1_000_000

    package init() {}

    package var gossipInterval: Int64 { max(1, period / gossipRoundsPerPeriod) }

    /// How often each of `members` members sends an update.
    func transmissions(members: Int) -> Int { retransmission * (Int.bitWidth - members.leadingZeroBitCount) }

    /// Nanoseconds from a suspicion to the death of its subject, with `confirmations` of `expected` that shorten the
    /// time.
    func suspicionTimeout(members: Int, confirmations: Int, expected: Int) -> Int64 {
        let least = max(minimumSuspicion, suspicionPerDigit * log10(Double(members)))
        guard confirmations < expected else { return Int64(least * Double(period)) }
        let share = log(Double(confirmations + 1)) / log(Double(expected + 1))
        return Int64(least * (unconfirmedSuspicion - (unconfirmedSuspicion - 1) * share) * Double(period))
    }
}
