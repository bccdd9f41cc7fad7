import ArgumentParser

@main
struct PacketBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packetbench",
        abstract: "Measures NetworkProtocol between two machines."
    )
}
