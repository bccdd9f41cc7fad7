public import Identity

extension ClusterMember {
    /// The member's ID. Its datagrams prove that it has the cluster's key, not this one: if that matters, use a
    /// connection that pins it.
    public var endpointID: EndpointID { EndpointID(id) }
}
