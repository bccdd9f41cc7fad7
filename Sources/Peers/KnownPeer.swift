package import Identity
package import Operations

/// The address of a service of a peer.
package struct PeerAddress: Sendable, Hashable {
    /// The service, such as `reflector`.
    package var service: String
    package var host: String
    package var port: Int

    package init(service: String, host: String, port: Int) {
        self.service = service
        self.host = host
        self.port = port
    }

    /// The service of Paramedic Link.
    package static let reflector = "reflector"
    /// The service of `courier serve`.
    package static let courier = "courier"
}

/// An entry of the address book. One machine may have several names, for example one for each of its networks.
package struct KnownPeer: Sendable, Equatable {
    package var name: String
    package var endpointID: EndpointID
    package var addedAt: Timestamp
    package var addresses: [PeerAddress]
    /// Those of the Endpoint ID: the same under each of its names.
    package var permissions: Set<Permission>

    package init(
        name: String,
        endpointID: EndpointID,
        addedAt: Timestamp,
        addresses: [PeerAddress] = [],
        permissions: Set<Permission> = []
    ) {
        self.name = name
        self.endpointID = endpointID
        self.addedAt = addedAt
        self.addresses = addresses
        self.permissions = permissions
    }
}
