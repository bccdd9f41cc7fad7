public import Identity

/// Why a message could not be sent to a member, or got no answer.
public enum ClusterMessagingError: Error, Sendable, Hashable {
    /// ``Cluster/run()`` has not started, or is over.
    case notRunning
    /// No member with that ID is alive, as far as this member knows; it may have failed or left meanwhile.
    case notAMember(EndpointID)
    /// That member was started without a dispatcher.
    case takesNoMessages(EndpointID)
    /// All permitted connections are in use.
    case tooManyConnections(limit: Int)
    /// The connection to that member could not be made, or ended.
    case connection(EndpointID, ConnectionError)
}

extension ClusterMessagingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notRunning: "this member of the cluster does not run: run the cluster, and send while it does"
        case .notAMember(let id): "\(id) is no other live member of this cluster; `members` lists those that are"
        case .takesNoMessages(let id): "the member \(id) takes no messages: it was started without a dispatcher"
        case .tooManyConnections(let limit):
            "\(limit) connections to members are in use, and there may be no more: send to fewer at once, or raise "
                + "`messaging.maximumConnections`"
        case .connection(let id, let error): "member \(id): \(error)"
        }
    }
}
