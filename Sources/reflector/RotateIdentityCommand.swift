internal import ArgumentParser
internal import Identity
internal import Operations
internal import Reflector

struct RotateIdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-identity",
        abstract: "Give this machine a new Ed25519 key and so a new Endpoint ID.",
        discussion: """
            The old key stays beside the new one. A running reflector switches at once and drops its connections. Every peer \
            must be given the new ID, because it pins the old one: paramedic pair HOST:PORT --id NEW --name NAME --replace.
            """
    )

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let configuration = try shared.load()
        let reply = try await Server.ask(.rotateIdentity, configuration) { try await LocalState.rotate(configuration) }
        guard case .rotated(let old, let new, let kept) = reply else { return }
        if shared.json {
            return try CommandOutput.put(json: [
                "old_endpoint_id": old.description, "new_endpoint_id": new.description, "old_key": kept,
            ])
        }
        print(
            KeyValueBlock(
                title: "Identity Rotated",
                rows: [
                    .init("Old Endpoint ID", old.description),
                    .init("New Endpoint ID", new.description),
                    .init("Old Key", kept),
                ],
                footer: [
                    "Give each peer the new ID; no token is needed, because this reflector still knows the peer's key:",
                    "  paramedic pair HOST:PORT --id \(new) --name NAME --replace",
                    "NAME is the peer's name for this reflector: see `paramedic reflectors`.",
                ]
            ).text,
            terminator: ""
        )
    }
}
