internal import ArgumentParser
internal import Identity
internal import Operations
internal import Reflector

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the state of the running endpoint.",
        discussion: "Exits 3 when no reflector is running on the state folder."
    )

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let configuration = try shared.load()
        guard case .status(let status) = try await Server.ask(.status, configuration) else { return }
        if shared.json { return try CommandOutput.put(json: status) }
        print(
            KeyValueBlock(
                title: "Reflector Status",
                rows: [
                    .init("Endpoint ID", status.endpointID.description),
                    .init("Bind Address", status.bindAddress),
                    .init("Mode", status.mode.title),
                    .init("Data Dir", status.dataDir),
                    .init("Health", status.healthAddress ?? "off"),
                    .init("Version", status.version),
                    .init("Up", DurationText.format(.seconds(status.uptimeSec))),
                    .init("Connections", "\(status.connections)"),
                    .init("Peers", "\(status.pairedPeers) paired, \(status.configuredPeers) configured"),
                    .init(
                        "Tests",
                        status.runningTests.isEmpty ? "none running" : status.runningTests.joined(separator: ", ")
                    ),
                    .init("Pairing", status.pairingOpenSec.map { "open for \($0) s" } ?? "closed"),
                    .init("Audit Log", status.auditProblem.map { "CLOSED, sessions are denied: \($0)" } ?? "ok"),
                ]
            ).text,
            terminator: ""
        )
    }
}
