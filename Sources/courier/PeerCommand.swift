internal import ArgumentParser
internal import CommandLineTool
internal import FileTransferNode
internal import Identity
internal import Operations
internal import Peers

struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer",
        abstract: "Name, trust, list and remove machines that this user's tools know.",
        discussion: """
            A peer's name stands for its address in `courier send FILE NAME`. A trusted peer may send files here without a \
            question; `courier serve` receives from trusted peers only.
            """,
        subcommands: [Add.self, Trust.self, Remove.self, List.self],
        defaultSubcommand: List.self
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a machine a name.",
            discussion: """
                Say where its `courier serve` listens, if it does: ID@HOST:PORT. Several places of one machine may follow each \
                other. They replace those that were known. A name stands for one ID: another machine takes over a known \
                name only with --replace.
                """
        )

        @Argument(help: ArgumentHelp("The name.", valueName: "name"))
        var name: String

        @Argument(
            help: ArgumentHelp(
                "Its Endpoint ID (`courier id` prints it), or ID@HOST:PORT.",
                valueName: "id[@host:port]"
            )
        )
        var places: [String]

        @Flag(help: "Let this machine take over another one's name.")
        var replace = false

        @Flag(help: "Trust it, too: it may send files here without a question.")
        var trust = false

        @OptionGroup var shared: SharedOptions

        func validate() throws {
            _ = try parsed()
            if places.isEmpty { throw ValidationError("give the machine's Endpoint ID, or ID@HOST:PORT") }
            // Such a word would mean something else in `courier send`.
            guard case .name = try? Receiver(parsing: name) else {
                throw ValidationError("\(name): a name has no colon, because host:path is sent to by ssh")
            }
        }

        private func parsed() throws -> (id: EndpointID?, places: [PeerLocation]) {
            var id: EndpointID?
            var found: [PeerLocation] = []
            for word in places {
                let own: EndpointID
                do {
                    if word.contains("@") {
                        let place = try PeerLocation(parsing: word)
                        own = place.endpointID
                        found.append(place)
                    } else {
                        own = try EndpointID(parsing: word)
                    }
                } catch { throw ValidationError("\(word): \(error)") }
                if let id, id != own { throw ValidationError("\(id) and \(own) are two machines; give each a name") }
                id = own
            }
            return (id, found)
        }

        func run() async throws {
            let (id, places) = try parsed()
            guard let id else { return }
            let peer = KnownPeer(
                name: name,
                endpointID: id,
                addedAt: .now,
                addresses: places.map {
                    PeerAddress(service: PeerAddress.courier, host: $0.host, port: Int($0.port))
                },
                permissions: trust ? [.sendFiles] : []
            )
            do {
                try Contacts.book().add(peer, replacing: replace)
            } catch let error as AddressBookError {
                if case .nameTaken = error { throw ValidationError("\(error), or repeat with --replace") }
                throw ValidationError("\(error)")
            }
            try PeerCommand.put([peer], json: shared.json)
        }
    }

    struct Trust: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a peer send files here without a question.",
            discussion:
                "It applies to the machine, under each of its names, and at once, also to a running `courier serve`."
        )

        @Argument(help: ArgumentHelp("The peer's name.", valueName: "name"))
        var name: String

        @Flag(help: "Trust it no longer.")
        var revoke = false

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let book = try Contacts.book()
            let peer = try Contacts.peer(named: name, in: book)
            try book.permit(.sendFiles, to: peer.endpointID, !revoke)
            try PeerCommand.put([Contacts.peer(named: name, in: book)], json: shared.json)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget where a peer's courier is, and its trust.",
            discussion: "What other tools know about the machine stays, such as a reflector that it runs."
        )

        @Argument(help: ArgumentHelp("The peer's name.", valueName: "name"))
        var name: String

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let book = try Contacts.book()
            _ = try Contacts.peer(named: name, in: book)
            try book.forget(PeerAddress.courier, of: name, withdrawing: .sendFiles)
            CourierCommand.say("\(name) is removed")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the peers.")

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let peers = try Contacts.book().peers()
            if peers.isEmpty, !shared.json {
                CourierCommand.say("no peers; add one with `courier peer add NAME ID@HOST:PORT`")
            }
            try PeerCommand.put(peers, json: shared.json)
        }
    }

    private struct Row: Encodable {
        let name: String
        let endpointID: String
        let isTrusted: Bool
        let addresses: [String]

        enum CodingKeys: String, CodingKey {
            case name, addresses
            case endpointID = "endpoint_id"
            case isTrusted = "trusted"
        }
    }

    fileprivate static func put(_ peers: [KnownPeer], json: Bool) throws {
        let rows = peers.map { peer in
            Row(
                name: peer.name,
                endpointID: "\(peer.endpointID)",
                isTrusted: peer.permissions.contains(.sendFiles),
                addresses: peer.couriers.map { $0.place }
            )
        }
        if json { return try CommandOutput.put(json: rows) }
        guard !rows.isEmpty else { return }
        let table = TextTable(
            columns: [.init("Name"), .init("Trusted"), .init("Courier"), .init("Endpoint ID")],
            rows: rows.map {
                [
                    $0.name, $0.isTrusted ? "yes" : "no",
                    $0.addresses.isEmpty ? "-" : $0.addresses.joined(separator: ", "), $0.endpointID,
                ]
            }
        )
        CommandOutput.put(table.text)
    }
}
