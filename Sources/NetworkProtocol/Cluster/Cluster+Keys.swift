/// Changes the cluster's key while its members run, without splitting it. Finish each step on every member before you
/// start the next one on any:
///
///     try cluster.changeKeys(to: [old, new])      // all accept the new one
///     try cluster.changeKeys(to: [new, old])      // all seal with the new one
///     try cluster.changeKeys(to: [new])           // a member that has only the old one is out
///
/// Give members that start meanwhile the ``ClusterConfiguration/keys`` that the others have at that step.
extension Cluster {
    /// The current keys of this member: the first one seals; datagrams and connections under any of them are accepted.
    public var keys: [ClusterKey] { clusterKeys.all }

    /// Uses these keys from now on. Connections to members stay; later ones are made with the new keys.
    ///
    /// - Parameter keys: 1 to 8. This member must already have the first one: first add a new key behind it on every
    ///   member.
    /// - Throws: ``ClusterError/Code/configuration``, and nothing has changed.
    public func changeKeys(to keys: [ClusterKey]) throws(ClusterError) { try clusterKeys.change(to: keys) }
}
