internal import ArgumentParser
internal import Identity
internal import Operations
internal import Pairing
internal import Reflector

struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "List, remove and rename the peers that may connect.",
        discussion: "Works whether or not the reflector runs; removal drops the peer's connections and tests at once.",
        subcommands: [List.self, Remove.self, Rename.self],
        defaultSubcommand: List.self
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the peers.")

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let configuration = try shared.load()
            guard case .peers(let peers) = try await PeersCommand.ask(.listPeers, configuration) else { return }
            if shared.json { return try CommandOutput.put(json: Output(peers)) }
            var table = TextTable(
                columns: [.init("Endpoint ID"), .init("Label"), .init("Paired"), .init("From")],
                rows: []
            )
            for peer in peers.paired {
                table.rows.append([
                    peer.endpointID.description, peer.label ?? "-",
                    Timestamp(microseconds: peer.pairedAt * 1_000).readable, peer.pairedFrom ?? "-",
                ])
            }
            for id in peers.configured { table.rows.append([id.description, "-", "in the configuration", "-"]) }
            print(table.rows.isEmpty ? "no peers; pair one with `reflector pair`\n" : table.text, terminator: "")
        }
    }

    /// The output of `peers list --json`.
    private struct Output: Encodable {
        struct Paired: Encodable {
            var endpointID: String
            var label: String?
            /// RFC 3339.
            var pairedAt: String
            var pairedFrom: String?

            enum CodingKeys: String, CodingKey {
                case endpointID = "endpoint_id"
                case label
                case pairedAt = "paired_at"
                case pairedFrom = "paired_from"
            }
        }

        var paired: [Paired]
        var configured: [String]

        init(_ peers: PeerList) {
            paired = peers.paired.map { peer in
                Paired(
                    endpointID: peer.endpointID.description,
                    label: peer.label,
                    pairedAt: Timestamp(microseconds: peer.pairedAt * 1_000).description,
                    pairedFrom: peer.pairedFrom
                )
            }
            configured = peers.configured.map(\.description)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a paired peer and drop its connections and tests."
        )

        @Argument(help: "The peer's Endpoint ID, or its label.")
        var peer: String

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let configuration = try shared.load()
            let id = try await PeersCommand.find(peer, configuration)
            _ = try await PeersCommand.ask(.removePeer(id), configuration)
            if shared.json { return try CommandOutput.put(json: ["removed": id.description]) }
            print("removed \(id)")
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a paired peer another label.")

        @Argument(help: "The peer's Endpoint ID, or its label.")
        var peer: String

        @Argument(help: "The new label.", transform: { try PeerStore.label(checking: $0) })
        var label: String

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let configuration = try shared.load()
            let id = try await PeersCommand.find(peer, configuration)
            _ = try await PeersCommand.ask(.renamePeer(id, label: label), configuration)
            if shared.json { return try CommandOutput.put(json: ["renamed": id.description, "label": label]) }
            print("renamed \(id)")
        }
    }

    static func ask(_ request: ControlRequest, _ configuration: ReflectorConfiguration) async throws -> ControlReply {
        try await Server.ask(request, configuration) { try await LocalState.answer(request, configuration) }
    }

    private static func find(_ text: String, _ configuration: ReflectorConfiguration) async throws -> EndpointID {
        guard case .peers(let peers) = try await ask(.listPeers, configuration) else {
            throw ControlSocketError.failed("the peers cannot be listed")
        }
        return try peers.find(text)
    }
}
