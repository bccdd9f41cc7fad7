/// Where packets came from that did not come from the session's address.
package struct PathArrival: Sendable {
    /// Addresses that a session keeps at once; their numbers are below.
    package static let mostAddresses = PeerPaths.most

    /// The number that the session gave the address, if it has one.
    let id: Int?
    /// Whether only the port differs from the session's address.
    let isSameHost: Bool

    package init(id: Int?, isSameHost: Bool) {
        self.id = id
        self.isSameHost = isSameHost
    }
}
