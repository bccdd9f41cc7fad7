internal import ArgumentParser
internal import FoundationEssentials
internal import NetworkProtocol
internal import Operations

struct MeasureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measure what the protocol does between here and a `packetbench serve`.",
        discussion: """
            The result goes to standard output, everything else to standard error. Times are in microseconds unless a unit \
            is given; bits are those of the messages, without headers and encryption.
            """
    )

    @Argument(
        help: ArgumentHelp("Where it listens: \(BenchAddress.forms).", valueName: "address"),
        transform: { try BenchAddress(parsing: $0, ports: 1...65_535) }
    )
    var address: BenchAddress

    @OptionGroup(title: "Trust")
    var trust: TrustOptions

    @OptionGroup(title: "TLS")
    var tls: TLSOptions

    @Option(help: ArgumentHelp("How long each part takes: 0.1 to 60.", valueName: "seconds"))
    var seconds = 3.0

    @Option(
        help: ArgumentHelp("Only this part: request, echo, up or down; more than once for more.", valueName: "part")
    )
    var only: [BenchPart] = []

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (0.1...60).contains(seconds) else {
            throw ValidationError("--seconds \(seconds): give a number from 0.1 to 60")
        }
    }

    func run() async throws {
        let destination = try trust.destination(address, tls)
        let time = Duration.seconds(seconds)
        let parts = BenchPart.allCases.filter { only.isEmpty || only.contains($0) }
        var progress = ProgressLine(on: Terminal.of(2, environment: ProcessInfo.processInfo.environment))
        progress.show("connecting to \(address)")
        let start = ContinuousClock.now
        let client: Client
        let connection: Connection
        let connecting: Duration
        do throws(ConnectionError) {
            client = try await Client.connect(to: destination)
            connection = try await client.connection()
            connecting = ContinuousClock.now - start
            // Without a handshake the connection is open before the daemon has sent anything: whether they match is
            // seen only now.
            try await Bench.greet(connection)
        } catch {
            let failure = await failure(opening: error)
            progress.clear()
            throw failure
        }
        var report = BenchReport(
            address: "\(address)",
            peer: connection.peer.endpointID.map { "\($0)" },
            certificatePin: connection.peer.certificatePin.map { "\($0)" },
            hasSharedSecret: trust.pskFile != nil,
            connecting: connecting
        )
        for (index, part) in parts.enumerated() {
            progress.clear()
            progress.show("\(index + 1) of \(parts.count), \(seconds) s each: \(part.title)")
            do {
                switch part {
                case .request: report.latency = try await Bench.latency(connection, for: time)
                case .echo: report.rate = try await Bench.rate(connection, for: time)
                case .up: report.up = try await Bench.upload(connection, for: time)
                case .down: report.down = try await Bench.download(connection, for: time)
                }
            } catch {
                progress.clear()
                throw (error as? ConnectionError).map { MeasureFailure(stage: .measuring(part), error: $0) } ?? error
            }
        }
        progress.clear()
        await client.close()
        StandardOutput.write(json ? report.json + "\n" : report.text)
    }

    private func failure(opening error: ConnectionError) async -> MeasureFailure {
        let failure = MeasureFailure(stage: .opening(trust: trust.given), error: error)
        guard failure.canBeTurnedAway, await SilentClose.happens(at: address) else { return failure }
        return MeasureFailure(stage: .turnedAway, error: error)
    }
}

/// The parts, in this order.
enum BenchPart: String, CaseIterable, ExpressibleByArgument, Sendable {
    case request, echo, up, down

    var title: String {
        switch self {
        case .request: "requests of 64 B, one at a time"
        case .echo: "echoes of 64 B, many at a time"
        case .up: "data of 64 KiB, to the other side"
        case .down: "data of 64 KiB, from the other side"
        }
    }
}
