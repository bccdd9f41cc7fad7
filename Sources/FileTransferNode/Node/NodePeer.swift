public import Identity

/// A peer that answered, and proved its Endpoint ID.
public struct NodePeer: Sendable {
    public let id: EndpointID
    /// Where it answered first: its IP address and UDP port.
    public let address: String
    public let roundTripTime: Duration
    let contact: PeerContact
}
