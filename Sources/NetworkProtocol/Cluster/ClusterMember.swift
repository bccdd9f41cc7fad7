/// What a cluster believes of a member.
public enum MemberStatus: UInt8, Sendable, Hashable {
    /// Answers, as far as is known.
    case alive = 1
    /// Did not answer somebody, and has not yet contradicted. It still counts as a member.
    case suspect = 2
    /// Contradicted no suspicion in time.
    case dead = 3
    /// Said that it goes.
    case left = 4

    /// Alive or suspect.
    public var isLive: Bool { self == .alive || self == .suspect }
}

/// A member of a cluster, as this one sees it.
public struct ClusterMember: Sendable, Hashable {
    package let id: MemberID
    /// Where it receives the cluster's datagrams (UDP).
    public let address: MemberAddress
    /// TCP port on the same IP address where it takes messages; 0 when it takes none.
    public let messagingPort: UInt16
    /// Number that only the member itself raises: when it starts, and to contradict a suspicion.
    public let incarnation: UInt64
    /// Alive or suspect, but in the event that tells that it failed or left.
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

/// Something that changed in a cluster.
public struct MembershipEvent: Sendable, Hashable {
    /// What happened to a member.
    public enum Change: Sendable, Hashable {
        /// A member is there that was not, or that had failed or left.
        case joined
        /// A member did not answer. Most members that are suspected recover.
        case suspected
        /// A suspected member answered.
        case recovered
        /// A member is taken for dead.
        case failed
        /// A member said that it goes.
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
