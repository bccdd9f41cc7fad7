internal import ArgumentParser
internal import Identity
internal import Operations

struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id",
        abstract: "Print this machine's Endpoint ID."
    )

    @OptionGroup var shared: SharedOptions

    private struct Result: Encodable {
        let endpointID: String
        enum CodingKeys: String, CodingKey { case endpointID = "endpoint_id" }
    }

    func run() throws {
        let id = try shared.identity().endpointID
        if shared.json { try CommandOutput.put(json: Result(endpointID: "\(id)")) } else { CommandOutput.line("\(id)") }
    }
}
