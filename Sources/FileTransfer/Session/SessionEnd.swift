/// How a session ended.
package enum SessionEnd: Equatable, Sendable {
    /// This end closed it.
    case closed(CloseCode, String)
    /// The peer closed it.
    case closedByPeer(CloseCode, String)
    /// Nothing authentic came from the peer for the idle timeout.
    case idle
}
