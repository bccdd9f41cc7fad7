internal import ArgumentParser
internal import NetworkProtocol
internal import Operations

struct MeasureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measure what the protocol does between here and a `packetbench serve`."
    )

    @Argument(help: ArgumentHelp("Where it listens: HOST:PORT, [IPV6]:PORT or unix:PATH.", valueName: "address"))
    var address: BenchAddress

    @OptionGroup
    var trust: TrustOptions

    @Option(help: ArgumentHelp("How long each part takes.", valueName: "seconds"))
    var seconds = 3.0

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (0.1...60).contains(seconds) else {
            throw ValidationError("--seconds \(seconds): give a number from 0.1 to 60")
        }
    }

    func run() async throws {
        let destination = try trust.destination(address)
        let time = Duration.seconds(seconds)
        let start = ContinuousClock.now
        let client = try await Client.connect(to: destination)
        let connecting = ContinuousClock.now - start
        let connection = try await client.connection()
        let latency = try await Bench.latency(connection, for: time)
        let rate = try await Bench.rate(connection, for: time)
        let up = try await Bench.upload(connection, for: time)
        let down = try await Bench.download(connection, for: time)
        await client.close()
        let report = BenchReport(
            address: "\(destination)",
            peer: connection.peer.endpointID.map { "\($0)" },
            connecting: connecting,
            latency: latency,
            rate: rate,
            up: up,
            down: down
        )
        StandardOutput.write(Array((json ? report.json + "\n" : report.text).utf8))
    }
}
