internal import LinkMeasurement
internal import Operations

/// The facts for the verdict's rules, taken from an examination and bounded.
struct VerdictEvidence: Sendable {
    enum End: Sendable {
        case client
        case reflector

        var limit: Verdict.Limit { self == .client ? .thisMachine : .reflector }
    }

    /// One direction of throughput.
    struct Flow: Sendable {
        var direction: ThroughputDirection.Direction
        var bitsPerSecond: Double
        var sentBitsPerSecond: Double?
        var durationSec: Double
        /// Nil if the requested length was not stored.
        var askedSec: Int?
        var transport: ThroughputResult.Transport
        var engine: ThroughputResult.Engine
        var mode: ThroughputResult.Mode
        var streams: Int
        var lossPercent: Double?
        /// Retransmitted segments as a share of all, in percent; nil if they are not the link's.
        var retransmitPercent: Double?
        var clientCPUPercent: Double?
        var serverCPUPercent: Double?
        /// The busiest thread of each end; nil if threads were not counted.
        var clientThreadPercent: Double?
        var serverThreadPercent: Double?

        /// The direction as part of a sentence.
        var name: String { direction == .down ? "down" : "up" }
        func cpuPercent(_ end: End) -> Double? {
            end == .client ? clientCPUPercent : serverCPUPercent
        }
        func threadPercent(_ end: End) -> Double? {
            end == .client ? clientThreadPercent : serverThreadPercent
        }

        /// Shorter than a second, and than requested.
        var isTooShort: Bool {
            let whole = askedSec.map { Double($0) * VerdictThresholds.wholeTestShare } ?? .infinity
            return durationSec < min(VerdictThresholds.shortestTestSec, whole)
        }

        var activity: String { direction == .down ? "while downloading" : "while uploading" }
    }

    /// One of the two machines.
    struct Machine: Sendable {
        /// How a sentence about it starts.
        var name: String
        var cores: Int?
        var nicBitsPerSecond: Double?
        var before: PathMetadata?
        var after: PathMetadata?
        /// Other traffic on its interface before the tests, in the direction of a download and of an upload, bits/s.
        var backgroundDown: Double?
        var backgroundUp: Double?
    }

    /// Payload of a full segment on Ethernet, to turn bytes into a number of segments.
    private static let segmentBytes = 1_448.0

    var client: Machine
    var reflector: Machine
    var mode: ThroughputResult.Mode
    var flows: [Flow]
    var latency: LatencyResult?
    var bufferbloat: BufferbloatResult?
    /// What is missing, in words for a list.
    var missing: [String]

    init(_ examination: Examination) {
        mode = examination.mode
        latency = examination.latency
        bufferbloat = examination.bufferbloat
        missing =
            examination.notMeasured.map { $0.part.printable(limit: 40) }
            + (examination.bufferbloat?.missingPhases ?? []).map { "latency \($0.underLoad)" }
        // Toward the client means received by the client and sent by the reflector.
        client = Machine(examination.client, name: "This machine") { ($0.receivedBytesPerSec, $0.sentBytesPerSec) }
        reflector = Machine(examination.reflector, name: "The reflector") {
            ($0.sentBytesPerSec, $0.receivedBytesPerSec)
        }
        flows = [(examination.download, .down), (examination.upload, .up)].compactMap {
            (result: ThroughputResult?, direction: ThroughputDirection.Direction) in
            guard let result = result?.bounded(), let moved = result[direction], let rate = moved.bitsPerSecond else {
                return nil
            }
            // In a tunneled iperf3 test the retransmits are those of its loopback connection to the forwarder.
            let ofTheLink = result.mode == .directEphemeral || result.engine == .native
            let segments = Double(moved.bytesSent ?? moved.bytes ?? 0) / Self.segmentBytes
            return Flow(
                direction: direction,
                bitsPerSecond: rate,
                sentBitsPerSecond: moved.bitsPerSecondSent,
                durationSec: moved.durationSec,
                askedSec: result.askedSec,
                transport: result.transport,
                engine: result.engine,
                mode: result.mode,
                streams: result.streams,
                lossPercent: moved.lossPercent,
                retransmitPercent: ofTheLink && segments >= 1
                    ? moved.retransmits.map { min(Double($0) / segments, 1) * 100 } : nil,
                clientCPUPercent: result.clientCPUPercent,
                serverCPUPercent: result.serverCPUPercent,
                clientThreadPercent: result.clientThreadPercent,
                serverThreadPercent: result.serverThreadPercent
            )
        }
    }

    subscript(end: End) -> Machine {
        end == .client ? client : reflector
    }

    /// Whether both ends are on one machine, so that there is no link between them.
    var isLoopback: Bool { client.before?.interface == "lo" }

    /// Whether a process used nearly all the processor that it can: a thread its core, or all threads every core. If
    /// threads were not counted: iperf3 has one, the native engine one per stream. Below a second there is no answer.
    func isFull(_ end: End, in flow: Flow) -> Bool {
        let full = VerdictThresholds.fullProcessorPercent
        guard !flow.isTooShort, let percent = flow.cpuPercent(end) else { return false }
        if let thread = flow.threadPercent(end) {
            return thread >= full || self[end].cores.map { percent >= full * Double($0) } ?? false
        }
        let threads = flow.engine == .iperf3 ? 1 : min(flow.streams, self[end].cores ?? flow.streams)
        return percent >= full * Double(threads)
    }

    /// Whether it is known how busy a machine was.
    func knowsProcessor(_ end: End) -> Bool {
        self[end].before != nil || flows.allSatisfy { $0.cpuPercent(end) != nil }
    }

    /// “94.1 Mbit/s down and 18.3 Mbit/s up”; empty if nothing was carried.
    var carried: String {
        flows.filter { $0.bitsPerSecond > 0 }
            .map { "\(Quantity.rate($0.bitsPerSecond)) \($0.name)" }
            .joined(separator: " and ")
    }
}

extension VerdictEvidence.Machine {
    init(
        _ machine: ExaminedMachine,
        name: String,
        traffic: (PathMetadata) -> (down: Double?, up: Double?)
    ) {
        let background = machine.pathBefore.map(traffic)
        self.init(
            name: name,
            cores: machine.cores.flatMap { $0 > 0 ? $0 : nil },
            nicBitsPerSecond: machine.nicBitsPerSecond.bounded(by: ThroughputBounds.bitsPerSecond).flatMap {
                $0 > 0 ? $0 : nil
            },
            before: machine.pathBefore,
            after: machine.pathAfter,
            backgroundDown: background?.down.bounded(by: ThroughputBounds.bitsPerSecond / 8).map { $0 * 8 },
            backgroundUp: background?.up.bounded(by: ThroughputBounds.bitsPerSecond / 8).map { $0 * 8 }
        )
    }

    func background(_ direction: ThroughputDirection.Direction) -> Double? {
        direction == .down ? backgroundDown : backgroundUp
    }
}
