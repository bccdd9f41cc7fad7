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
        discussion: "Put it into access.authorized_peers of a reflector to be let in without pairing."
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
        abstract: "Introduce this machine to a reflector.",
        discussion: """
            Paste the line that `reflector pair` printed. The reflector's key is checked against --id before the token is \
            sent. Without --token the reflector is only remembered; it must already list this machine's ID. A name stands for \
            one ID: another reflector takes over a known name only with --replace.
            """
    )

    @Argument(help: ArgumentHelp("Where the reflector listens.", valueName: "host:port"))
    var address: String

    @Option(help: ArgumentHelp("The reflector's Endpoint ID.", valueName: "PP-…"))
    var id: String

    @Option(help: ArgumentHelp("The one-time token; - reads it from standard input.", valueName: "token"))
    var token: String?

    @Option(help: ArgumentHelp("What to call the reflector here; its host name by default.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("What the reflector's owner sees this machine called.", valueName: "label"))
    var label: String = ProcessInfo.processInfo.hostName

    @Flag(help: "Let this reflector take over the name of another.")
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
        let desk = try shared.open()
        let known = KnownReflector(name: name ?? address.host, address: address, addedAt: .now)
        // Before the token is spent.
        if !replace { try desk.store.checkName(of: known) }
        let given = token == "-" ? readLine() : token
        let context = try LinkClient.context(for: try desk.key())
        let client = try await LinkClient.connect(to: address, context: context)
        do {
            if let token = given {
                let response = try await client.pair(token: token, label: label)
                guard response.success else { throw ParamedicError.invalid(response.message.printable(limit: 400)) }
            } else {
                // Only who is listed gets an answer to this; a stranger's hello is answered while a window is open.
                _ = try await client.status()
            }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        try desk.store.remember(known, replacing: replace)
        let outcome = given == nil ? "remembered" : "paired"
        if shared.json {
            return try CommandOutput.put(json: Result(reflector: known, outcome: outcome))
        }
        CommandOutput.line(
            given == nil
                ? "remembered \(known.name) (\(address.hostAndPort)), which already lists this machine"
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
        abstract: "List, rename and forget the reflectors this machine knows.",
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
        static let configuration = CommandConfiguration(abstract: "Call a reflector something else.")

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
        static let configuration = CommandConfiguration(abstract: "Forget a reflector. It still lists this machine.")

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
