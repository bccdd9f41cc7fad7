internal import ArgumentParser
internal import CommandLineTool
internal import Operations

@main
struct PacketBenchCommand: Tool {
    static let configuration = CommandConfiguration(
        commandName: "packetbench",
        abstract: "Measures the packet protocol between two machines, or within one.",
        discussion: """
            One machine serves, the other measures: how long a connection takes to open, how long a request of 64 bytes takes to be \
            answered, how many echoes of 64 bytes go through one connection in a second, and how many bits a second of 64 KiB \
            messages go either way.

            By each other's keys: `id` on both, then one serves and the other measures:
              packetbench id
              packetbench serve 0.0.0.0:9000 --peer PP-…
              packetbench measure 192.0.2.1:9000 --peer PP-…

            By a secret, of which both have a copy:
              (umask 077; openssl rand -hex 32 > secret)
              packetbench serve 0.0.0.0:9000 --psk-file secret
              packetbench measure 192.0.2.1:9000 --psk-file secret

            By TLS:
              packetbench serve tls:0.0.0.0:9000 --anonymous \\
                --certificate c.pem --private-key k.pem
              packetbench measure tls:bench.example:9000 --ca ca.pem

            On one machine:
              packetbench serve unix:/tmp/bench.sock
              packetbench measure unix:/tmp/bench.sock

            Exit codes: 0 success, 1 failure, 4 one side does not admit the other, 64 wrong usage, 74 standard output could not be \
            written, 130 interrupted by Ctrl-C, which ends `serve` with 0.
            """,
        version: "packetbench \(BuildVersion.line)",
        subcommands: [ServeCommand.self, MeasureCommand.self, IdentityCommand.self]
    )

    static func main() async { await start() }

    /// Messages of 64 KiB are allocated and freed over and over.
    static func prepare() { ProcessMemory.limitRetention() }

    static let sharedOptions: Set = ["--key", "--log-level"]

    static func failure(for error: any Error) -> ToolFailure {
        ToolFailure("\(error)", exitCode: (error as? MeasureFailure)?.exitCode ?? 1)
    }
}
