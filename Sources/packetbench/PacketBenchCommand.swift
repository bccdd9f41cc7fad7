import ArgumentParser
import Operations

@main
struct PacketBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packetbench",
        abstract: "Measures the packet protocol between two machines, or within one.",
        discussion: """
            On one machine:   packetbench serve 0.0.0.0:9000 --peer PP-…
            On the other:     packetbench measure 192.0.2.1:9000 --peer PP-…
            Who each is:      packetbench id
            """,
        version: "packetbench \(BuildVersion.line)",
        subcommands: [ServeCommand.self, MeasureCommand.self, IdentityCommand.self]
    )
}
