internal import ArgumentParser
internal import FoundationEssentials
internal import Identity
internal import LinkMeasurement
internal import Operations
internal import Paramedic

struct IDCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id",
        abstract: "Print this machine's Endpoint ID.",
        discussion: "Add it to access.authorized_peers of a reflector to connect without pairing."
    )

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let id = try shared.open().key().endpointID.description
        if shared.json { try CommandOutput.put(json: ["endpoint_id": id]) } else { CommandOutput.line(id) }
    }
}

struct PairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pair",
        abstract: "Pair this machine with a reflector.",
        discussion: """
            Paste the line that `reflector pair` printed. The reflector's key is checked against --id before the token is \
            sent. Without --token the reflector is only remembered; it must already allow this machine's ID. A name stands for \
            one ID: another reflector takes over a known name only with --replace.
            """
    )

    @Argument(help: ArgumentHelp("Where the reflector listens.", valueName: "host:port"))
    var address: String

    @Option(help: ArgumentHelp("The reflector's Endpoint ID.", valueName: "PP-…"))
    var id: String

    @Option(help: ArgumentHelp("The one-time token; - reads it from standard input.", valueName: "token"))
    var token: String?

    @Option(help: ArgumentHelp("The name to use for the reflector here; its host name by default.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("This machine's name for the reflector's owner.", valueName: "label"))
    var label: String = ProcessInfo.processInfo.hostName

    @Flag(help: "Let this reflector take over another one's name.")
    var replace = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        do {
            _ = try parsedAddress()
            if let name { try ParamedicStore.checkName(name) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func parsedAddress() throws -> ReflectorAddress {
        let endpointID: EndpointID
        do {
            endpointID = try EndpointID(parsing: id)
        } catch {
            throw ValidationError("--id: \(error)")
        }
        return try ReflectorAddress(parsing: address, endpointID: endpointID)
    }

    func run() async throws {
        let address = try parsedAddress()
        let context = try shared.open()
        let known = KnownReflector(name: name ?? address.host, address: address, addedAt: .now)
        // Before the token is spent.
        if !replace { try context.store.checkName(of: known) }
        let given = token == "-" ? readLine() : token
        let tls = try LinkClient.context(for: try context.key())
        let client = try await LinkClient.connect(to: address, context: tls)
        do {
            if let token = given {
                let response = try await client.pair(token: token, label: label)
                guard response.success else { throw ParamedicError.invalid(response.message.printable(limit: 400)) }
            } else {
                // Only an allowed peer gets an answer to this; a stranger's hello is answered while a window is open.
                _ = try await client.status()
            }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        try context.store.remember(known, replacing: replace)
        let outcome = given == nil ? "remembered" : "paired"
        if shared.json {
            return try CommandOutput.put(json: Result(reflector: known, outcome: outcome))
        }
        CommandOutput.line(
            given == nil
                ? "remembered \(known.name) (\(address.hostAndPort)), which already allows this machine"
                : "paired with \(known.name) (\(address.hostAndPort))"
        )
        CommandOutput.line("  \(address.endpointID)")
    }

    /// The known reflector, and whether it was `paired` or only `remembered`.
    private struct Result: Encodable {
        let reflector: KnownReflector
        let outcome: String

        func encode(to encoder: any Encoder) throws {
            try reflector.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(outcome, forKey: .outcome)
        }

        enum CodingKeys: String, CodingKey { case outcome }
    }
}

struct ReflectorsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reflectors",
        abstract: "List, rename and remove the reflectors that this machine knows.",
        subcommands: [List.self, Rename.self, Remove.self],
        defaultSubcommand: List.self
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the known reflectors.")

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let all = try shared.open().store.reflectors()
            if shared.json { return try CommandOutput.put(json: all) }
            guard !all.isEmpty else { throw ParamedicError.noReflector }
            // An ID has 69 characters: two lines fit where a table does not.
            for one in all {
                CommandOutput.line("\(one.name)  \(one.address.hostAndPort)  added \(one.addedAt.readable)")
                CommandOutput.line("  \(one.address.endpointID)")
            }
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Rename a reflector.")

        @Argument var name: String
        @Argument var new: String
        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try shared.open().store.rename(name, to: new)
            if shared.json {
                try CommandOutput.put(json: ["renamed": name, "name": new])
            } else {
                CommandOutput.line("renamed \(name) to \(new)")
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a reflector. It still allows this machine.")

        @Argument var name: String
        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let store = try shared.open().store
            guard try store.forget(name) else {
                throw ParamedicError.unknownReflector(name, known: try store.reflectors().map(\.name))
            }
            if shared.json {
                try CommandOutput.put(json: ["removed": name])
            } else {
                CommandOutput.line("removed \(name)")
            }
        }
    }
}
