internal import FileTransfer

/// What names the receiver of a transfer: a ticket, or `ID@HOST:PORT`.
enum Recipient {
    case ticket(Ticket)
    case location(PeerLocation)

    init(parsing text: String) throws(NodeError) {
        if text.lowercased().hasPrefix("courier:") {
            do throws(TicketError) { self = .ticket(try Ticket(parsing: text)) } catch {
                throw NodeError(.invalidRecipient, "\(text.prefix(40)): \(error)")
            }
        } else {
            do throws(PeerLocation.Problem) { self = .location(try PeerLocation(parsing: text)) } catch {
                throw NodeError(.invalidRecipient, "\(text.prefix(80)): neither a ticket nor a place: \(error)")
            }
        }
    }

    /// Looks up the host's name, which may take seconds.
    func contact() throws -> PeerContact {
        switch self {
        case .ticket(let ticket): PeerContact(ticket)
        case .location(let place): try PeerContact(place.endpointID, at: [place])
        }
    }
}
