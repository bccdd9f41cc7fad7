internal import Identity

/// What is told about a peer that was removed, whether or not a server runs.
enum PeerRemoval {
    /// - Parameters:
    ///   - isConfigured: `access.authorized_peers` has the peer, too.
    ///   - unwritten: why the removal is not in the audit log.
    ///   - unstored: why the running server knows the peer no more, but the next one will.
    static func reply(
        _ peer: EndpointID,
        isConfigured: Bool,
        unwritten: (any Error)?,
        unstored: (any Error)? = nil
    ) -> ControlReply {
        var warnings: [String] = []
        if let unstored {
            warnings.append(
                "only until the next start, because it cannot be stored; make room and remove it again: \(unstored)"
            )
        }
        if isConfigured {
            warnings.append("access.authorized_peers still lets it in; remove it there and send SIGHUP, or restart")
        }
        if let unwritten {
            warnings.append("the audit log does not say so, because it cannot be written: \(unwritten)")
        }
        return warnings.isEmpty ? .done : .failed("\(peer) was removed, BUT " + warnings.joined(separator: "; AND "))
    }
}
