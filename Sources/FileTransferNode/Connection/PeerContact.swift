package import FileTransfer
package import Identity
package import PacketIO

/// How to reach a courier that answers handshakes.
package struct PeerContact: Equatable, Sendable {
    package let endpointID: EndpointID
    /// What the handshake must know beside the Endpoint ID; empty for a courier that serves.
    let contactSecret: [UInt8]
    /// All are tried at once.
    package let addresses: [InternetAddress]

    package init(_ ticket: Ticket) {
        endpointID = ticket.endpointID
        contactSecret = ticket.contactSecret
        addresses = ticket.addresses.map(InternetAddress.init)
    }

    /// The same peer at the one of its addresses that answered.
    func reached(at address: InternetAddress) -> PeerContact { PeerContact(self, at: address) }

    private init(_ contact: PeerContact, at address: InternetAddress) {
        endpointID = contact.endpointID
        contactSecret = contact.contactSecret
        addresses = [address]
    }

    /// Looks up the names of a courier's locations, which may take seconds. Those without an address are left out.
    package init(_ endpointID: EndpointID, at locations: [PeerLocation]) throws {
        self.endpointID = endpointID
        contactSecret = []
        var addresses: [InternetAddress] = []
        var failures: [String] = []
        for location in locations {
            do throws(HostLookup.Failure) {
                addresses += try HostLookup.addresses(of: location.host, port: location.port)
            } catch { failures.append("\(location.host): \(error)") }
        }
        guard !addresses.isEmpty else {
            throw TransferError(.network, "cannot find the peer's address: \(failures.joined(separator: "; "))")
        }
        self.addresses = addresses
    }
}
