/// Changing the cluster's key while its members talk, so that it never falls apart. Each step is done on every member before the next one
/// begins on any:
///
///     try cluster.changeKeys(to: [old, new])      // all read the new one
///     try cluster.changeKeys(to: [new, old])      // all seal with the new one
///     try cluster.changeKeys(to: [new])           // whoever has only the old one is out
///
/// Set ``ClusterConfiguration/keys`` of members that start meanwhile to what the others have at that step.
extension Cluster {
    /// The keys of this member at this moment: the first one seals, datagrams and connections under any of them are understood.
    public var keys: [ClusterKey] { clusterKeys.all }

    /// Uses these keys from now on. Connections to members stay; those made later are made with the new keys.
    ///
    /// - Parameter keys: 1 to 8, the first of which this member had before: a new one is first given to every member behind it.
    /// - Throws: ``ClusterError/configuration(_:)``, and nothing has changed.
    public func changeKeys(to keys: [ClusterKey]) throws(ClusterError) { try clusterKeys.change(to: keys) }
}
