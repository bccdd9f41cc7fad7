public import Identity

/// What a ``Node`` needs to know. The defaults suit a program that sends and receives with tickets.
public struct NodeConfiguration: Sendable {
    /// Who may send to this node.
    public enum Admission: Sendable {
        /// All peers that have its ``Node/ticket()``.
        case ticket
        /// Peers with these properties, without a ticket: `ID@HOST:PORT` is enough for them. Called for each session,
        /// when the peer has proved its Endpoint ID.
        case peers(@Sendable (EndpointID) -> Bool)
    }

    /// The file with this machine's Ed25519 key; it is created if it is missing. Without one the node has a new
    /// identity each time.
    public var identityPath: String?
    /// The address of the interface to receive on. `0.0.0.0` is all of IPv4, `::` all of IPv6.
    public var interface = "0.0.0.0"
    /// The UDP port to receive on; 0 is any that is free. Nil: the node only sends.
    public var port: UInt16? = 0
    /// Where files go; created if it is missing. One node or `courier` at a time receives into it.
    public var folder = "."
    /// Who may send to this node.
    public var admission = Admission.ticket
    /// Transfers that are received at the same time, 1 to 64. One peer has half of them at most. More are refused as
    /// busy.
    public var maxTransfers = 8
    /// Whether each file is on the disk (`fsync`) before it counts as received.
    public var isDurable = false

    public init() {}
}
