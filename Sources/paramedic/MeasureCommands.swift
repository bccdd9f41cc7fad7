internal import ArgumentParser
internal import Identity
internal import LinkMeasurement
internal import Operations
internal import PacketIO
internal import Paramedic

struct LatencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Round trips, jitter, loss and reordering by direction."
    )

    @Option(help: ArgumentHelp("Length of the test in seconds.", valueName: "seconds"))
    var duration = 10

    @Option(help: ArgumentHelp("Time between probes in milliseconds.", valueName: "ms"))
    var interval = 10.0

    @Option(help: ArgumentHelp("Bytes of each datagram, header included (56 to 8952).", valueName: "bytes"))
    var size = 64

    @OptionGroup var test: TestOptions
    @OptionGroup var reflector: ReflectorOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        try TestDuration.validate(duration)
        guard interval >= 0.05, interval <= 60_000 else { throw ValidationError("--interval must be 0.05 to 60000 ms") }
        guard (56...8952).contains(size) else { throw ValidationError("--size must be 56 to 8952 bytes") }
        do {
            try plan.validate()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private var plan: LatencyPlan {
        LatencyPlan(durationSec: duration, intervalMs: interval, datagramBytes: size)
    }

    func run() async throws {
        let plan = plan
        do {
            let result = try await reflector.examine(try shared.open(), mode: test.mode) { examiner, _ in
                try await examiner.latency(plan) { progress in
                    let last = progress.lastRoundTrip.map { Quantity.milliseconds(Double($0) / 1e6) } ?? "-"
                    LiveOutput.show("\(progress.received) of \(progress.sent) replies, last round trip \(last)")
                }
            }
            try show(result)
        } catch let error as PartlyMeasured {
            if case .latency(let result) = error.result { try show(result) }
            throw error.cause
        }
    }

    private func show(_ result: LatencyResult) throws {
        LiveOutput.clear()
        CommandOutput.put(shared.json ? try JSONText.pretty(result) : Page.text.text(result))
    }
}

struct ThroughputCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughput",
        abstract: "How many bits a second the link carries; upload by default."
    )

    @Flag(help: "From the reflector to this machine.")
    var reverse = false

    @Flag(help: "Both directions at the same time.")
    var bidirectional = false

    @Option(help: ArgumentHelp("Length of the test in seconds.", valueName: "seconds"))
    var duration = 10

    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp("tcp or udp (udp needs direct mode and iperf3).", valueName: "name")
    )
    var transport = TransportProtocol.tcp

    @Option(
        help: ArgumentHelp(
            "Limit in bits a second for each direction, all streams together, e.g. 50M.",
            valueName: "rate"
        )
    )
    var bitrate: String?

    @OptionGroup var test: TestOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var reflector: ReflectorOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if reverse, bidirectional { throw ValidationError("--reverse and --bidirectional exclude each other") }
        if transport == .udp, test.mode == .tunneled {
            throw ValidationError("--protocol udp cannot run inside TLS; leave out --mode tunneled")
        }
        if transport == .udp, load.engine == .native {
            throw ValidationError("--protocol udp needs --engine iperf3; the native engine speaks TCP only")
        }
        try TestDuration.validate(duration)
        if let bitrate, BitRate.parse(bitrate) == nil {
            throw ValidationError(
                """
                --bitrate must be a number with an optional K, M or G, from 1 bit/s to 10000G, found "\(bitrate)"; leave it \
                out for no limit over TCP, and for iperf3's own 1 Mbit/s for each stream over UDP
                """
            )
        }
    }

    func run() async throws {
        let context = try shared.open()
        let params = SessionParameters(
            durationSec: duration,
            transport: transport,
            streams: load.streams ?? context.configuration.streams,
            reverse: reverse,
            bidirectional: bidirectional,
            bitrateBps: bitrate.flatMap(BitRate.parse),
            engine: load.engine ?? context.configuration.engine
        )
        let lock = try HeavyTestLock(folder: context.store.folder)
        do {
            let (result, path) = try await reflector.examine(context, mode: test.mode) { examiner, _ in
                let (result, _) = try await examiner.throughput(params) { LiveOutput.show($0) }
                let path = try? await examiner.client.pathMetadata()
                try Task.checkCancellation()
                return (result, path)
            }
            try show(result, path: path)
        } catch let error as PartlyMeasured {
            if case .throughput(let result) = error.result { try show(result, path: nil) }
            throw error.cause
        }
        withExtendedLifetime(lock) {}
    }

    private func show(_ result: ThroughputResult, path: PathMetadata?) throws {
        LiveOutput.clear()
        if shared.json { return try CommandOutput.put(json: result) }
        CommandOutput.put(Page.text.text(result, path: path))
    }
}

struct BufferbloatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bufferbloat",
        abstract: "How much the link's latency grows under load, with a grade."
    )

    @Option(help: ArgumentHelp("Length of each phase in seconds.", valueName: "seconds"))
    var duration = 10

    @OptionGroup var test: TestOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var reflector: ReflectorOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws { try TestDuration.validate(duration) }

    func run() async throws {
        let context = try shared.open()
        let lock = try HeavyTestLock(folder: context.store.folder)
        let (result, failure) = try await reflector.examine(context, mode: test.mode) { examiner, _ in
            try await examiner.bufferbloat(
                seconds: duration,
                streams: load.streams ?? context.configuration.streams,
                engine: load.engine ?? context.configuration.engine,
                onPhase: { LiveOutput.begin(ExaminationStep.bufferbloat($0).title) },
                onProgress: { LiveOutput.show($0) }
            )
        }
        withExtendedLifetime(lock) {}
        LiveOutput.clear()
        CommandOutput.put(shared.json ? try JSONText.pretty(result) : Page.text.text(result))
        if let failure { throw failure }
    }
}

struct PathCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "path",
        abstract: "What the reflector reports about itself: load, memory, MTU, clock, build."
    )

    @OptionGroup var reflector: ReflectorOptions
    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let (metadata, known) = try await reflector.examine(try shared.open()) { examiner, known in
            (try await examiner.client.pathMetadata(), known)
        }
        if shared.json { return try CommandOutput.put(json: metadata) }
        let machine = ExaminedMachine(
            name: known.name,
            id: known.address.endpointID.description,
            address: known.address.hostAndPort,
            version: metadata.buildVersion,
            pathBefore: metadata
        )
        CommandOutput.put(Page.text.text([machine]))
    }
}
