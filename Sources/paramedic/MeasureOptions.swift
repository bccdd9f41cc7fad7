internal import ArgumentParser
internal import Identity
internal import LinkMeasurement
internal import Paramedic

/// The reflector, and how to run its tests.
struct ReflectorOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The reflector to use; not needed if only one is known.", valueName: "name")
    )
    var reflector: String?

    @Option(
        help: ArgumentHelp(
            "Longest wait if the reflector is busy or in cooldown (default 120).",
            valueName: "seconds"
        )
    )
    var wait: Int?

    @Option(help: ArgumentHelp("The iperf3 to run.", valueName: "path"))
    var iperf3: String?

    func validate() throws {
        if let wait, !(0...86_400).contains(wait) { throw ValidationError("--wait must be 0 to 86400 seconds") }
    }

    /// Connects to the chosen reflector and runs `body` with it.
    func examine<Result>(
        _ context: CommandContext,
        mode: ModeOption? = nil,
        _ body: (Examiner, KnownReflector) async throws -> Result
    ) async throws -> Result {
        let known = try context.store.reflector(reflector ?? context.configuration.reflector)
        let examiner = try await Examiner.connect(
            to: known.address,
            key: try context.key(),
            iperfPath: iperf3 ?? context.configuration.iperfPath,
            mode: mode?.dataMode,
            patience: wait ?? context.configuration.waitSec
        ) { LiveOutput.tell($0) }
        do {
            let result = try await body(examiner, known)
            await examiner.close()
            return result
        } catch {
            await examiner.close()
            throw error
        }
    }
}

/// `--mode`: how the test must travel.
enum ModeOption: String, ExpressibleByArgument, CaseIterable {
    case tunneled, direct

    var dataMode: DataMode { self == .tunneled ? .tunneled : .directEphemeral }
}

/// Options of every test.
struct TestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Demand tunneled or direct; the reflector's network.mode decides, and a test in the other mode is not run.",
            valueName: "mode"
        )
    )
    var mode: ModeOption?
}

/// Options of every test that loads the link.
struct LoadOptions: ParsableArguments {
    /// Most streams for which a reflector can be configured (`iperf3.max_streams`).
    static let mostStreams = 128

    @Option(help: ArgumentHelp("Parallel connections in each direction.", valueName: "count"))
    var streams: Int?

    @Option(
        help: ArgumentHelp("native or iperf3; by default the best engine that both ends have.", valueName: "engine")
    )
    var engine: ThroughputEngine?

    func validate() throws {
        if let streams, !(1...Self.mostStreams).contains(streams) {
            throw ValidationError("--streams must be 1 to \(Self.mostStreams)")
        }
    }
}

/// `--duration` of a test.
enum TestDuration {
    /// A reflector may be configured for a day; most allow 60 s and say so.
    static let range = 1...86_400

    static func validate(_ seconds: Int) throws {
        guard range.contains(seconds) else {
            throw ValidationError("--duration must be \(range.lowerBound) to \(range.upperBound) seconds")
        }
    }
}

extension ThroughputEngine: ExpressibleByArgument {}
extension TransportProtocol: ExpressibleByArgument {}
