internal import ArgumentParser
internal import Identity
internal import LinkMeasurement
internal import Paramedic

/// Which reflector, and how to reach its tests.
struct ReflectorOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Which of the paired reflectors; not needed when there is one.", valueName: "name")
    )
    var reflector: String?

    @Option(
        help: ArgumentHelp(
            "Longest wait when the reflector is busy or in cooldown (default 120).",
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
        _ desk: Desk,
        mode: ModeOption? = nil,
        _ body: (Examiner, KnownReflector) async throws -> Result
    ) async throws -> Result {
        let known = try desk.store.reflector(reflector ?? desk.configuration.reflector)
        let examiner = try await Examiner.connect(
            to: known.address,
            key: try desk.key(),
            iperfPath: iperf3 ?? desk.configuration.iperfPath,
            mode: mode?.dataMode,
            patience: wait ?? desk.configuration.waitSec
        ) { Live.tell($0) }
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

/// What every test takes.
struct TestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Demand tunneled or direct; the reflector's network.mode decides, and a test of the other way is not run.",
            valueName: "mode"
        )
    )
    var mode: ModeOption?
}

/// What every test that loads the link takes.
struct LoadOptions: ParsableArguments {
    /// Most streams that any reflector may be configured for (`iperf3.max_streams`).
    static let mostStreams = 128

    @Option(help: ArgumentHelp("Parallel connections in each direction.", valueName: "count"))
    var streams: Int?

    @Option(help: ArgumentHelp("native or iperf3; the best both ends have by default.", valueName: "engine"))
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
