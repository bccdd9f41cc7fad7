internal import Operations

/// Reads `PathMetadata` from the kernel, without child processes.
package final class PathMetadataCollector: Sendable {
    /// Time between the two readings of the byte counters. Reusing an earlier reading would be cheaper, but would
    /// report a finished test as other traffic.
    package static let sampleGap: Duration = .milliseconds(200)

    private struct Sample {
        /// Monotonic nanoseconds.
        var time: UInt64
        var received: UInt64
        var sent: UInt64
    }

    private let facts: HostFacts
    private let buildVersion: String
    private let buildHash: String
    private let pause: @Sendable (Duration) async throws -> Void

    /// `pause` waits between the two readings of the counters.
    package init(
        facts: HostFacts = .real,
        buildVersion: String,
        buildHash: String,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.facts = facts
        self.buildVersion = buildVersion
        self.buildHash = buildHash
        self.pause = pause
    }

    /// Reads everything. `localAddress` is this end's address of the connection, without its port. Throws `FileError`
    /// if `/proc` cannot be read, and `CancellationError`.
    package func collect(localAddress: String) async throws -> PathMetadata {
        let load = try facts.loadAverages()
        let memory = try facts.memory()
        let processors = max(1, try facts.processorCount())
        let clock = facts.clock()
        let interface = facts.interface(localAddress)
        let rates = try await rates(of: interface)
        let isSynced = clock.map { !$0.isUnsynchronized }
        return PathMetadata(
            cpuLoad: load[0] / Double(processors),
            memoryUsedMB: max(0, memory.totalMB - memory.availableMB),
            memoryTotalMB: memory.totalMB,
            loadAverage: load,
            mtu: interface.flatMap { facts.number("/sys/class/net/\($0)/mtu") },
            interface: interface,
            receivedBytesPerSec: rates.map { Double($0.received) },
            sentBytesPerSec: rates.map { Double($0.sent) },
            timeSynced: isSynced,
            clockErrorUs: isSynced == true ? clock.flatMap { Int(exactly: $0.maximumErrorUS) } : nil,
            buildVersion: buildVersion,
            buildHash: buildHash
        )
    }

    private func rates(of interface: String?) async throws -> (received: Int, sent: Int)? {
        guard let interface, let first = sample(interface) else { return nil }
        try await pause(PathMetadataCollector.sampleGap)
        guard let second = sample(interface) else { return nil }
        return PathMetadataCollector.rates(first, second)
    }

    private func sample(_ interface: String) -> Sample? {
        let folder = "/sys/class/net/\(interface)/statistics"
        guard let received = facts.counter("\(folder)/rx_bytes"), let sent = facts.counter("\(folder)/tx_bytes")
        else { return nil }
        return Sample(time: facts.monotonic(), received: received, sent: sent)
    }

    /// Nil if no time passed or a counter went back: the interface was recreated.
    private static func rates(_ first: Sample, _ second: Sample) -> (received: Int, sent: Int)? {
        guard second.time > first.time, second.received >= first.received, second.sent >= first.sent else { return nil }
        let seconds = Double(second.time - first.time) / 1e9
        let received = (Double(second.received - first.received) / seconds).rounded()
        let sent = (Double(second.sent - first.sent) / seconds).rounded()
        guard let receivedRate = Int(exactly: received), let sentRate = Int(exactly: sent) else { return nil }
        return (receivedRate, sentRate)
    }
}
