public import Identity

extension ClusterMember {
    /// Who it is. Its datagrams prove that it has the cluster's key, not that it has this one: when that matters, talk to it over a
    /// connection that pins it.
    public var endpointID: EndpointID { EndpointID(id) }
}
