/// What a throughput test moved, in the same form for both engines.
///
/// Either end can fill one in from what it saw; ``merging(client:server:)`` joins two such halves. The receiver's rate
/// is the result: what a sender handed to its kernel has not arrived yet.
package struct ThroughputResult: Sendable, Equatable {
    package typealias Engine = ThroughputEngine
    package typealias Transport = TransportProtocol
    package typealias Mode = DataMode

    package var engine: Engine
    package var transport: Transport
    package var mode: Mode
    /// Parallel streams in each direction.
    package var streams: Int
    /// Requested seconds; nil if that is not known, as for the reflector's half.
    package var askedSec: Int?
    /// At most one entry for each direction.
    package var directions: [ThroughputDirection]
    /// CPU time of the client's process over the test's time; 100 is one core.
    package var clientCPUPercent: Double?
    /// CPU time of the reflector's process over the test's time; 100 is one core.
    package var serverCPUPercent: Double?
    /// CPU time of the client's busiest thread over the same time; nil if it is not known.
    package var clientThreadPercent: Double?
    /// CPU time of the reflector's busiest thread over the same time; nil if it is not known.
    package var serverThreadPercent: Double?
    /// What a reader must know to trust the figures, one sentence each (“iperf3 ended early: …”).
    package var notes: [String]

    package init(
        engine: Engine,
        transport: Transport,
        mode: Mode,
        streams: Int,
        askedSec: Int? = nil,
        directions: [ThroughputDirection],
        clientCPUPercent: Double? = nil,
        serverCPUPercent: Double? = nil,
        clientThreadPercent: Double? = nil,
        serverThreadPercent: Double? = nil,
        notes: [String] = []
    ) {
        self.engine = engine
        self.transport = transport
        self.mode = mode
        self.streams = streams
        self.askedSec = askedSec
        self.directions = directions
        self.clientCPUPercent = clientCPUPercent
        self.serverCPUPercent = serverCPUPercent
        self.clientThreadPercent = clientThreadPercent
        self.serverThreadPercent = serverThreadPercent
        self.notes = notes
    }

    package subscript(direction: ThroughputDirection.Direction) -> ThroughputDirection? {
        directions.first { $0.direction == direction }
    }
}

extension ThroughputResult: Codable {
    private enum CodingKeys: String, CodingKey {
        case engine
        case transport = "protocol"
        case mode
        case streams
        case askedSec = "asked_sec"
        case directions
        case clientCPUPercent = "client_cpu_percent"
        case serverCPUPercent = "server_cpu_percent"
        case clientThreadPercent = "client_thread_percent"
        case serverThreadPercent = "server_thread_percent"
        case notes
    }

    /// Decodes a result and bounds it: it may come from a peer, so any figure may be impossible.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let raw = ThroughputResult(
            engine: try container.decode(Engine.self, forKey: .engine),
            transport: try container.decode(Transport.self, forKey: .transport),
            mode: try container.decode(Mode.self, forKey: .mode),
            streams: try container.decode(Int.self, forKey: .streams),
            askedSec: try container.decodeIfPresent(Int.self, forKey: .askedSec),
            directions: try container.decode([ThroughputDirection].self, forKey: .directions),
            clientCPUPercent: try container.decodeIfPresent(Double.self, forKey: .clientCPUPercent),
            serverCPUPercent: try container.decodeIfPresent(Double.self, forKey: .serverCPUPercent),
            clientThreadPercent: try container.decodeIfPresent(Double.self, forKey: .clientThreadPercent),
            serverThreadPercent: try container.decodeIfPresent(Double.self, forKey: .serverThreadPercent),
            notes: try container.decodeIfPresent([String].self, forKey: .notes) ?? []
        )
        self = raw.bounded()
    }
}
