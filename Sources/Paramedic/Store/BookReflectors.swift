internal import Identity
internal import LinkMeasurement
internal import Peers

/// The reflectors in the user's address book: peers with such an address that may be measured.
struct BookReflectors: ReflectorList {
    let book: AddressBook

    /// The entry of a reflector that this machine has paired with: it may be measured, and nothing else.
    static func peer(_ reflector: KnownReflector) -> KnownPeer {
        KnownPeer(
            name: reflector.name,
            endpointID: reflector.address.endpointID,
            addedAt: reflector.addedAt,
            addresses: [
                PeerAddress(
                    service: PeerAddress.reflector,
                    host: reflector.address.host,
                    port: reflector.address.port
                )
            ],
            permissions: [.beMeasured]
        )
    }

    func all() throws -> [KnownReflector] {
        try book.peers().compactMap { peer in
            guard peer.permissions.contains(.beMeasured),
                let address = peer.addresses.first(where: { $0.service == PeerAddress.reflector })
            else { return nil }
            return KnownReflector(
                name: peer.name,
                address: ReflectorAddress(host: address.host, port: address.port, endpointID: peer.endpointID),
                addedAt: peer.addedAt
            )
        }
    }

    func owner(of name: String) throws -> EndpointID? {
        try book.peers().first { $0.name == name }?.endpointID
    }

    func put(_ reflector: KnownReflector, replacing: Bool) throws {
        try book.add(Self.peer(reflector), replacing: replacing)
    }

    func remove(_ name: String) throws -> Bool {
        try book.remove(PeerAddress.reflector, of: name, withdrawing: .beMeasured)
    }

    func rename(_ name: String, to new: String) throws -> Bool {
        guard try all().contains(where: { $0.name == name }) else { return false }
        try book.rename(name, to: new)
        return true
    }
}
