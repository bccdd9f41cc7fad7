package import LinkMeasurement
package import Operations

/// A whole examination of one link: everything that `paramedic run` measured, and its verdict.
///
/// Its JSON is stored in the history and printed by `--json`. ``schemaName`` names its shape: version 1 may get more
/// fields, but no field changes its meaning.
package struct Examination: Sendable, Equatable {
    package static let schemaName = "outpost-examination/1"

    package var id: String
    package var startedAt: Timestamp
    package var finishedAt: Timestamp
    package var client: ExaminedMachine
    package var reflector: ExaminedMachine
    /// How the throughput tests and the load traveled.
    package var mode: ThroughputResult.Mode
    /// Without load.
    package var latency: LatencyResult?
    package var download: ThroughputResult?
    package var upload: ThroughputResult?
    package var bufferbloat: BufferbloatResult?
    package var verdict: Verdict
    /// Parts that were left out or failed, among those that are members here.
    package var notMeasured: [UnmeasuredPart]
    /// Steps that were left out or failed, one sentence each.
    package var notes: [String]

    package init(
        id: String,
        startedAt: Timestamp,
        finishedAt: Timestamp,
        client: ExaminedMachine,
        reflector: ExaminedMachine,
        mode: ThroughputResult.Mode,
        latency: LatencyResult? = nil,
        download: ThroughputResult? = nil,
        upload: ThroughputResult? = nil,
        bufferbloat: BufferbloatResult? = nil,
        notMeasured: [UnmeasuredPart] = [],
        notes: [String] = []
    ) {
        self.id = id
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.client = client
        self.reflector = reflector
        self.mode = mode
        self.latency = latency
        self.download = download
        self.upload = upload
        self.bufferbloat = bufferbloat
        self.notMeasured = notMeasured
        self.notes = notes
        verdict = Verdict(limit: .inconclusive, sentence: "", reasons: [])
        verdict = Verdict(on: self)
    }

    /// What arrived at the client, in bits per second.
    package var downloadBitsPerSecond: Double? { download?[.down]?.bitsPerSecond }
    /// What arrived at the reflector, in bits per second.
    package var uploadBitsPerSecond: Double? { upload?[.up]?.bitsPerSecond }
}

extension Examination: Codable {
    private enum CodingKeys: String, CodingKey {
        case schema
        case id
        case startedAt = "started_at"
        case finishedAt = "finished_at"
        case client
        case reflector
        case mode
        case latency
        case download
        case upload
        case bufferbloat
        case verdict
        case notMeasured = "not_measured"
        case notes
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let schema = try container.decode(String.self, forKey: .schema)
        guard schema == Self.schemaName else {
            throw DecodingError.dataCorruptedError(
                forKey: .schema,
                in: container,
                debugDescription:
                    "an examination of schema “\(schema.printable(limit: 60))” cannot be read; this version reads "
                    + "“\(Self.schemaName)”; install a newer one"
            )
        }
        id = try container.decode(String.self, forKey: .id)
        startedAt = try container.decode(Timestamp.self, forKey: .startedAt)
        finishedAt = try container.decode(Timestamp.self, forKey: .finishedAt)
        client = try container.decode(ExaminedMachine.self, forKey: .client)
        reflector = try container.decode(ExaminedMachine.self, forKey: .reflector)
        mode = try container.decode(ThroughputResult.Mode.self, forKey: .mode)
        latency = try container.decodeIfPresent(LatencyResult.self, forKey: .latency)
        download = try container.decodeIfPresent(ThroughputResult.self, forKey: .download)
        upload = try container.decodeIfPresent(ThroughputResult.self, forKey: .upload)
        bufferbloat = try container.decodeIfPresent(BufferbloatResult.self, forKey: .bufferbloat)
        verdict = try container.decode(Verdict.self, forKey: .verdict)
        notMeasured = try container.decodeIfPresent([UnmeasuredPart].self, forKey: .notMeasured) ?? []
        notes = try container.decodeIfPresent([String].self, forKey: .notes) ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.schemaName, forKey: .schema)
        try container.encode(id, forKey: .id)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(finishedAt, forKey: .finishedAt)
        try container.encode(client, forKey: .client)
        try container.encode(reflector, forKey: .reflector)
        try container.encode(mode, forKey: .mode)
        try container.encodeIfPresent(latency, forKey: .latency)
        try container.encodeIfPresent(download, forKey: .download)
        try container.encodeIfPresent(upload, forKey: .upload)
        try container.encodeIfPresent(bufferbloat, forKey: .bufferbloat)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(notMeasured, forKey: .notMeasured)
        try container.encode(notes, forKey: .notes)
    }
}

/// One end of the examined link.
package struct ExaminedMachine: Codable, Sendable, Equatable {
    /// The name that this machine uses for it.
    package var name: String
    /// Endpoint ID, `PP-…`.
    package var id: String
    /// Address and port of the connection; nil if not known.
    package var address: String?
    package var version: String
    package var cores: Int?
    /// Speed that the network card reports, in bits per second; virtual cards often report none.
    package var nicBitsPerSecond: Double?
    package var pathBefore: PathMetadata?
    package var pathAfter: PathMetadata?

    package init(
        name: String,
        id: String,
        address: String? = nil,
        version: String,
        cores: Int? = nil,
        nicBitsPerSecond: Double? = nil,
        pathBefore: PathMetadata? = nil,
        pathAfter: PathMetadata? = nil
    ) {
        self.name = name
        self.id = id
        self.address = address
        self.version = version
        self.cores = cores
        self.nicBitsPerSecond = nicBitsPerSecond
        self.pathBefore = pathBefore
        self.pathAfter = pathAfter
    }

    private enum CodingKeys: String, CodingKey {
        case name
        case id
        case address
        case version
        case cores
        case nicBitsPerSecond = "nic_bps"
        case pathBefore = "path_before"
        case pathAfter = "path_after"
    }
}
