internal import ArgumentParser
internal import Identity
internal import Operations
internal import StrictJSON

struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id",
        abstract: "Print this machine's Endpoint ID, for the other side's --peer."
    )

    @Option(
        help: ArgumentHelp(
            "This machine's identity key; \(KeyPath.advice)",
            valueName: "file"
        )
    )
    var key: String?

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() throws {
        let id = try IdentityKey.loadOrCreate(at: KeyPath.resolve(key)).endpointID
        let text = json ? JSONValue.object([.init("endpoint_id", .string("\(id)"))]).text : "\(id)"
        StandardOutput.write(Array("\(text)\n".utf8))
    }
}
