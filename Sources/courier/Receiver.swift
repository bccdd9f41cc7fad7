internal import ArgumentParser
internal import FileTransfer
internal import FileTransferNode
internal import Identity
internal import Peers
internal import UserState

/// Who gets what `courier send` sends: the word behind the files.
enum Receiver {
    case ticket(Ticket)
    /// `ID@HOST:PORT`, for a courier that serves.
    case location(PeerLocation)
    /// `user@host:path`: ssh starts the receiver.
    case remote(RemoteReceiver)
    /// A name in the address book.
    case name(String)

    init(parsing word: String) throws {
        if word.lowercased().hasPrefix("courier:") {
            do throws(TicketError) { self = .ticket(try Ticket(parsing: word)) } catch {
                throw ValidationError("\(word.prefix(40)): \(error)")
            }
        } else if word.contains("@"), word.uppercased().hasPrefix("PP-") {
            do throws(PeerLocation.Problem) { self = .location(try PeerLocation(parsing: word)) } catch {
                throw ValidationError("\(word): \(error)")
            }
        } else if let remote = RemoteReceiver(parsing: word) {
            self = .remote(remote)
        } else {
            self = .name(word)
        }
    }

    /// How to reach it, unless ssh has to start it.
    func contact() throws -> PeerContact {
        switch self {
        case .ticket(let ticket): return PeerContact(ticket)
        case .location(let place): return try PeerContact(place.endpointID, at: [place])
        case .name(let name): return try Contacts.contact(named: name)
        case .remote: preconditionFailure("ssh starts it first")
        }
    }
}

extension KnownPeer {
    /// Where its courier serves.
    var couriers: [PeerLocation] {
        addresses.filter { $0.service == PeerAddress.courier }.compactMap { address in
            UInt16(exactly: address.port).map {
                PeerLocation(endpointID: endpointID, host: address.host, port: $0)
            }
        }
    }
}

/// The peers that this user's tools share.
enum Contacts {
    static func book() throws -> AddressBook {
        try AddressBook(path: UserFolder.opened().bookPath)
    }

    /// A machine as a person knows it: its names and its Endpoint ID.
    static func text(_ peer: EndpointID) -> String {
        let names = ((try? book().peers()) ?? []).filter { $0.endpointID == peer }.map { "\"\($0.name)\"" }
        return names.isEmpty ? "\(peer)" : "\(names.joined(separator: ", ")), \(peer)"
    }

    /// The peer of this name.
    static func peer(named name: String, in book: AddressBook) throws -> KnownPeer {
        let peers = try book.peers()
        if let peer = peers.first(where: { $0.name == name }) { return peer }
        let names = peers.map { "\"\($0.name)\"" }.joined(separator: ", ")
        throw ValidationError(
            "no peer is called \"\(name)\": "
                + (names.isEmpty ? "the address book is empty. " : "there are \(names). ")
                + "Add it with `courier peer add NAME ID@HOST:PORT`, or send to the ticket that `courier receive` prints there"
        )
    }

    /// How to reach the courier of the peer of this name.
    static func contact(named name: String) throws -> PeerContact {
        let peer = try peer(named: name, in: book())
        guard !peer.couriers.isEmpty else {
            throw ValidationError(
                "it is not known where \"\(name)\" runs `courier serve`: say it with `courier peer add \(name) "
                    + "\(peer.endpointID)@HOST:PORT`, or send to its ticket"
            )
        }
        return try PeerContact(peer.endpointID, at: peer.couriers)
    }
}
