public import Identity

/// Why a message could not be sent to a member, or got no answer: a ``code`` for the program, a ``message`` for its
/// user.
public struct ClusterMessagingError: Error, Sendable, Hashable {
    /// What happened. Later versions may have more codes, so a `switch` needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            case notRunning = "not_running"
            case notAMember = "not_a_member"
            case takesNoMessages = "takes_no_messages"
            case tooManyConnections = "too_many_connections"
            case connection
        }

        private let name: Name

        private init(_ name: Name) { self.name = name }

        /// ``Cluster/run()`` has not started, or is over.
        public static var notRunning: Code { Code(.notRunning) }
        /// No member with that ID is alive, as far as this member knows; it may have failed or left meanwhile.
        public static var notAMember: Code { Code(.notAMember) }
        /// That member was started without a dispatcher.
        public static var takesNoMessages: Code { Code(.takesNoMessages) }
        /// All permitted connections are in use, as many as `limit`.
        public static var tooManyConnections: Code { Code(.tooManyConnections) }
        /// The connection to that member could not be made, or ended; `cause` says why.
        public static var connection: Code { Code(.connection) }

        /// One word, such as `not_a_member`.
        public var description: String { name.rawValue }
    }

    private enum Value: Sendable, Hashable {
        case notRunning
        case notAMember(EndpointID)
        case takesNoMessages(EndpointID)
        case tooManyConnections(limit: Int)
        case connection(EndpointID, ConnectionError)
    }

    private let value: Value

    public static var notRunning: ClusterMessagingError { .init(value: .notRunning) }

    public static func notAMember(_ member: EndpointID) -> ClusterMessagingError { .init(value: .notAMember(member)) }

    public static func takesNoMessages(_ member: EndpointID) -> ClusterMessagingError {
        .init(value: .takesNoMessages(member))
    }

    public static func tooManyConnections(limit: Int) -> ClusterMessagingError {
        .init(value: .tooManyConnections(limit: limit))
    }

    public static func connection(_ member: EndpointID, _ cause: ConnectionError) -> ClusterMessagingError {
        .init(value: .connection(member, cause))
    }

    public var code: Code {
        switch value {
        case .notRunning: .notRunning
        case .notAMember: .notAMember
        case .takesNoMessages: .takesNoMessages
        case .tooManyConnections: .tooManyConnections
        case .connection: .connection
        }
    }

    /// The member that the message was for, if the code is about one.
    public var member: EndpointID? {
        switch value {
        case .notAMember(let member), .takesNoMessages(let member), .connection(let member, _): member
        default: nil
        }
    }

    /// The connections that may be in use, for ``Code/tooManyConnections``.
    public var limit: Int? { if case .tooManyConnections(let limit) = value { limit } else { nil } }

    /// Why the connection could not be made or ended, for ``Code/connection``.
    public var cause: ConnectionError? { if case .connection(_, let cause) = value { cause } else { nil } }
}

extension ClusterMessagingError: CustomStringConvertible {
    public var description: String { message }

    /// What failed and how to mend it, in a sentence for the user.
    public var message: String {
        switch value {
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
