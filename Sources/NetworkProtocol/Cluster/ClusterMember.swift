/// What a cluster believes about a member.
public enum MemberStatus: UInt8, Sendable, Hashable {
    /// Answers, as far as is known.
    case alive = 1
    /// Did not answer a probe, and has not refuted that yet. It still counts as a member.
    case suspect = 2
    /// Did not refute a suspicion in time.
    case dead = 3
    /// Announced that it leaves.
    case left = 4

    /// Alive or suspect.
    public var isLive: Bool { self == .alive || self == .suspect }
}

/// A member of a cluster, as this one sees it.
public struct ClusterMember: Sendable, Hashable {
    package let id: MemberID
    /// Where it receives the cluster's datagrams (UDP).
    public let address: MemberAddress
    /// TCP port on the same IP address where it accepts messages; 0 if it accepts none.
    public let messagingPort: UInt16
    /// Number that only the member itself raises: when it starts, and to refute a suspicion.
    public let incarnation: UInt64
    /// Alive or suspect, except in the event that reports that it failed or left.
    public let status: MemberStatus

    package init(
        id: MemberID,
        address: MemberAddress,
        messagingPort: UInt16,
        incarnation: UInt64,
        status: MemberStatus
    ) {
        self.id = id
        self.address = address
        self.messagingPort = messagingPort
        self.incarnation = incarnation
        self.status = status
    }
}

/// A change in a cluster.
public struct MembershipEvent: Sendable, Hashable {
    /// What happened to a member.
    public enum Change: Sendable, Hashable {
        /// A new member, or one that had failed or left.
        case joined
        /// A member did not answer. Most suspected members recover.
        case suspected
        /// A suspected member answered.
        case recovered
        /// A member is considered dead.
        case failed
        /// A member announced that it leaves.
        case left
        /// A member has another address or messaging port.
        case updated
    }

    /// What happened to it.
    public let change: Change
    /// The member after the change.
    public let member: ClusterMember

    package init(_ change: Change, _ member: ClusterMember) {
        self.change = change
        self.member = member
    }
}
