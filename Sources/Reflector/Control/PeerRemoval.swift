internal import Identity

/// The reply about a removed peer, with or without a running server.
enum PeerRemoval {
    /// - Parameters:
    ///   - isConfigured: `access.authorized_peers` contains the peer, too.
    ///   - unwritten: why the removal is not in the audit log.
    ///   - unstored: why the peer will be known again after a restart.
    static func reply(
        _ peer: EndpointID,
        isConfigured: Bool,
        unwritten: (any Error)?,
        unstored: (any Error)? = nil
    ) -> ControlReply {
        var warnings: [String] = []
        if let unstored {
            warnings.append(
                "only until the next start, because the removal cannot be stored; free space and remove it again: \(unstored)"
            )
        }
        if isConfigured {
            warnings.append("access.authorized_peers still allows it; remove it there and send SIGHUP, or restart")
        }
        if let unwritten {
            warnings.append("the removal is not in the audit log, which cannot be written: \(unwritten)")
        }
        return warnings.isEmpty ? .done : .failed("\(peer) was removed, BUT " + warnings.joined(separator: "; AND "))
    }
}
