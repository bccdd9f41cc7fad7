/// Facts about one machine that show whether it, and not the link, is the limit. Sent as `path_meta`; the keys are
/// fixed.
package struct PathMetadata: Sendable, Equatable {
    /// One-minute load divided by the number of cores: 1 is as many runnable tasks as cores.
    package var cpuLoad: Double
    package var memoryUsedMB: Int
    package var memoryTotalMB: Int
    /// Load over 1, 5 and 15 minutes.
    package var loadAverage: [Double]
    /// MTU of the interface of the connection; nil if it is not known.
    package var mtu: Int?
    package var interface: String?
    package var receivedBytesPerSec: Double?
    package var sentBytesPerSec: Double?
    /// Whether the kernel considers the clock synchronized; nil means unknown and is shown as unknown.
    package var timeSynced: Bool?
    package var clockErrorUs: Int?
    package var buildVersion: String
    package var buildHash: String

    package init(
        cpuLoad: Double,
        memoryUsedMB: Int,
        memoryTotalMB: Int,
        loadAverage: [Double],
        mtu: Int? = nil,
        interface: String? = nil,
        receivedBytesPerSec: Double? = nil,
        sentBytesPerSec: Double? = nil,
        timeSynced: Bool? = nil,
        clockErrorUs: Int? = nil,
        buildVersion: String,
        buildHash: String
    ) {
        self.cpuLoad = cpuLoad
        self.memoryUsedMB = memoryUsedMB
        self.memoryTotalMB = memoryTotalMB
        self.loadAverage = loadAverage
        self.mtu = mtu
        self.interface = interface
        self.receivedBytesPerSec = receivedBytesPerSec
        self.sentBytesPerSec = sentBytesPerSec
        self.timeSynced = timeSynced
        self.clockErrorUs = clockErrorUs
        self.buildVersion = buildVersion
        self.buildHash = buildHash
    }

    /// Used share of all memory, 0 to 1; nil if the total is not known.
    package var memoryShare: Double? {
        guard memoryTotalMB > 0, memoryUsedMB >= 0 else { return nil }
        return min(Double(memoryUsedMB) / Double(memoryTotalMB), 1)
    }
}

extension PathMetadata: Codable {
    private enum CodingKeys: String, CodingKey {
        case cpuLoad = "cpu_load"
        case memoryUsedMB = "memory_used_mb"
        case memoryTotalMB = "memory_total_mb"
        case loadAverage = "load_avg"
        case mtu
        case interface = "iface"
        case receivedBytesPerSec = "rx_bytes_per_sec"
        case sentBytesPerSec = "tx_bytes_per_sec"
        case timeSynced = "time_synced"
        case clockErrorUs = "clock_error_us"
        case buildVersion = "build_version"
        case buildHash = "build_hash"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let loadAverage = try container.decode([Double].self, forKey: .loadAverage)
        guard loadAverage.count == 3 else {
            throw DecodingError.dataCorruptedError(
                forKey: .loadAverage,
                in: container,
                debugDescription: "load_avg must have 3 values, not \(loadAverage.count)"
            )
        }
        self.init(
            cpuLoad: try container.decode(Double.self, forKey: .cpuLoad),
            memoryUsedMB: try container.decode(Int.self, forKey: .memoryUsedMB),
            memoryTotalMB: try container.decode(Int.self, forKey: .memoryTotalMB),
            loadAverage: loadAverage,
            mtu: try container.decodeIfPresent(Int.self, forKey: .mtu),
            interface: try container.decodeIfPresent(String.self, forKey: .interface)?.printable(limit: 32),
            receivedBytesPerSec: try container.decodeIfPresent(Double.self, forKey: .receivedBytesPerSec),
            sentBytesPerSec: try container.decodeIfPresent(Double.self, forKey: .sentBytesPerSec),
            timeSynced: try container.decodeIfPresent(Bool.self, forKey: .timeSynced),
            clockErrorUs: try container.decodeIfPresent(Int.self, forKey: .clockErrorUs),
            buildVersion: try container.decode(String.self, forKey: .buildVersion).printable(limit: 64),
            buildHash: try container.decode(String.self, forKey: .buildHash).printable(limit: 64)
        )
    }

    /// An unknown value is written as null, so that its absence is not taken for zero.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(cpuLoad, forKey: .cpuLoad)
        try container.encode(memoryUsedMB, forKey: .memoryUsedMB)
        try container.encode(memoryTotalMB, forKey: .memoryTotalMB)
        try container.encode(loadAverage, forKey: .loadAverage)
        try container.encode(mtu, forKey: .mtu)
        try container.encode(interface, forKey: .interface)
        try container.encode(receivedBytesPerSec, forKey: .receivedBytesPerSec)
        try container.encode(sentBytesPerSec, forKey: .sentBytesPerSec)
        try container.encode(timeSynced, forKey: .timeSynced)
        try container.encodeIfPresent(clockErrorUs, forKey: .clockErrorUs)
        try container.encode(buildVersion, forKey: .buildVersion)
        try container.encode(buildHash, forKey: .buildHash)
    }
}
