internal import ArgumentParser
internal import Identity
internal import Operations
internal import Reflector

struct ShowIDCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-id",
        abstract: "Print just the Endpoint ID.",
        discussion: "Creates the identity if the machine has none yet."
    )

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let configuration = try shared.load()
        let id = try LocalState.endpointID(configuration).description
        if shared.json { return try CommandOutput.put(json: ["endpoint_id": id]) }
        print(id)
    }
}
