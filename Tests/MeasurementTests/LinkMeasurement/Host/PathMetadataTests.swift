internal import Files
internal import Foundation
internal import Operations
internal import Reflector
internal import Synchronization
internal import Testing

@testable import LinkMeasurement

@Suite struct PathMetadataTests {
    let host: FakeHost
    init() throws { host = try FakeHost() }

    /// A collector on virtual time: waiting moves the clock and runs `meanwhile`.
    private func collector(
        facts: HostFacts,
        clock: VirtualTime,
        meanwhile: @escaping @Sendable () -> Void = {}
    ) -> PathMetadataCollector {
        var facts = facts
        facts.monotonic = { clock.now.withLock { $0 } }
        return PathMetadataCollector(facts: facts, buildVersion: "1.2.3", buildHash: "abc") { duration in
            clock.advance(duration)
            meanwhile()
        }
    }

    private final class VirtualTime: Sendable {
        let now = Mutex<UInt64>(1)
        func advance(_ duration: Duration) {
            now.withLock { $0 += UInt64(duration / .nanoseconds(1)) }
        }
    }

    private func setCounters(_ received: Int, _ sent: Int) throws {
        try host.set("/sys/class/net/eth0/statistics/rx_bytes", "\(received)\n")
        try host.set("/sys/class/net/eth0/statistics/tx_bytes", "\(sent)\n")
    }

    @Test func `everything is read, and the rates come from two readings`() async throws {
        let root = host.root
        let collector = collector(facts: host.facts, clock: VirtualTime()) {
            try? Data("2000\n".utf8).write(to: URL(fileURLWithPath: root + "/sys/class/net/eth0/statistics/rx_bytes"))
        }
        let metadata = try await collector.collect(localAddress: "192.0.2.1")
        #expect(
            metadata
                == PathMetadata(
                    cpuLoad: 0.125,
                    memoryUsedMB: 7824 - 6102,
                    memoryTotalMB: 7824,
                    loadAverage: [0.5, 0.25, 0.1],
                    mtu: 1492,
                    interface: "eth0",
                    receivedBytesPerSec: 5000,
                    sentBytesPerSec: 0,
                    timeSynced: true,
                    clockErrorUs: 1234,
                    buildVersion: "1.2.3",
                    buildHash: "abc"
                )
        )
    }

    @Test func `what was moved before the request is no traffic of now`() async throws {
        let clock = VirtualTime()
        let waits = Mutex(0)
        let counted: @Sendable () -> Void = { waits.withLock { $0 += 1 } }
        let collector = collector(facts: host.facts, clock: clock, meanwhile: counted)
        _ = try await collector.collect(localAddress: "192.0.2.1")
        clock.advance(.milliseconds(9800))
        try setCounters(1000 + 50_000, 2000 + 10_000)
        let second = try await collector.collect(localAddress: "192.0.2.1")
        #expect(second.receivedBytesPerSec == 0 && second.sentBytesPerSec == 0)
        #expect(waits.withLock { $0 } == 2)
    }

    @Test func `counters that go back while they are read tell no rate`() async throws {
        let root = host.root
        let collector = collector(facts: host.facts, clock: VirtualTime()) {
            for name in ["rx_bytes", "tx_bytes"] {
                let path = root + "/sys/class/net/eth0/statistics/" + name
                try? Data("0\n".utf8).write(to: URL(fileURLWithPath: path))
            }
        }
        #expect(try await collector.collect(localAddress: "192.0.2.1").receivedBytesPerSec == nil)
    }

    @Test func `what is not known is null on the wire, and comes back`() async throws {
        var facts = host.facts
        facts.clock = { nil }
        let collector = collector(facts: facts, clock: VirtualTime())
        let metadata = try await collector.collect(localAddress: "198.51.100.1")
        #expect(metadata.timeSynced == nil && metadata.interface == nil)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let data = try encoder.encode(metadata)
        #expect(
            String(decoding: data, as: UTF8.self)
                == #"{"build_hash":"abc","build_version":"1.2.3","cpu_load":0.125,"iface":null,"load_avg":[0.5,0.25,0.1],"#
                + #""memory_total_mb":7824,"memory_used_mb":1722,"mtu":null,"rx_bytes_per_sec":null,"time_synced":null,"#
                + #""tx_bytes_per_sec":null}"#
        )
        #expect(try JSONDecoder().decode(PathMetadata.self, from: data) == metadata)
    }

    @Test func `a clock that runs free is not synchronized and has no error to report`() async throws {
        var facts = host.facts
        facts.clock = { .init(isUnsynchronized: true, maximumErrorUS: 16_000_000) }
        let metadata = try await collector(facts: facts, clock: VirtualTime()).collect(localAddress: "192.0.2.1")
        #expect(metadata.timeSynced == false && metadata.clockErrorUs == nil)
    }

    @Test func `a host without /proc is an error, not a made-up value`() async throws {
        try host.remove("/proc/meminfo")
        let collector = collector(facts: host.facts, clock: VirtualTime())
        await #expect(throws: FileError.self) { try await collector.collect(localAddress: "192.0.2.1") }
    }

    @Test(arguments: ["127.0.0.1", "::ffff:127.0.0.1"])
    func `this machine tells about its loopback interface`(address: String) async throws {
        let collector = PathMetadataCollector(buildVersion: "1", buildHash: "2")
        let metadata = try await collector.collect(localAddress: address)
        #expect(metadata.interface == "lo")
        #expect(try #require(metadata.mtu) > 1000)
        #expect(metadata.receivedBytesPerSec != nil && metadata.sentBytesPerSec != nil)
        #expect(metadata.memoryTotalMB > 0 && metadata.memoryUsedMB < metadata.memoryTotalMB)
        #expect(metadata.loadAverage.count == 3)
        #expect((metadata.clockErrorUs != nil) == (metadata.timeSynced == true))
    }
}
