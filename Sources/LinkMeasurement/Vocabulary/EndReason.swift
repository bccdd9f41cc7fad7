/// Why a test ended; the `reason` of its audit line.
package enum EndReason: String, Sendable {
    case closed
    case ownerGone = "owner_gone"
    case expired
    case processExited = "process_exited"
    case budgetSpent = "budget_spent"
    case peerRemoved = "peer_removed"
    case shutdown = "server_shutdown"
    case engineFailed = "engine_failed"
}
