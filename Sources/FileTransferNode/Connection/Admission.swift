package import Identity

/// Who may open a session.
package enum Admission: Sendable {
    /// Who has the ticket.
    case ticket
    /// Who knows this machine's Endpoint ID and is admitted by it, which is asked for each session.
    case peers(@Sendable (EndpointID) -> Bool)
}
