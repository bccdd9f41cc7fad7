internal import Foundation
internal import Operations
internal import Reflector
internal import Synchronization

@testable import LinkMeasurement

/// A folder that looks like the `/` of a small healthy host, and answers that a test may change.
final class FakeHost {
    let root: String
    private let time = Ticking()

    /// A clock that moves by half a millisecond whenever it is read.
    private final class Ticking: Sendable {
        private let now = Mutex<UInt64>(0)

        func tick() -> UInt64 {
            now.withLock { now in
                now += 500_000
                return now
            }
        }
    }

    init() throws {
        root = FileManager.default.temporaryDirectory.path + "/outpost-host-\(UUID().uuidString)"
        try set("/proc/loadavg", "0.50 0.25 0.10 1/100 1234\n")
        try set("/proc/meminfo", "MemTotal:        8011776 kB\nMemFree: 1 kB\nMemAvailable:    6248448 kB\n")
        try set("/proc/stat", "cpu  1 2 3\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\nintr 1\n")
        try set(
            "/proc/cpuinfo",
            "processor\t: 0\nmodel name\t: Intel N100\ncpu MHz\t\t: 700.000\nflags\t\t: fpu avx2 aes sse4_2\n"
        )
        try set("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3400000\n")
        try set(
            "/proc/net/dev",
            "Inter-|   Receive\n face |bytes\n    lo: 1 2 3\n  eth0: 1 2 3\n veth1: 1 2 3\n"
        )
        try set("/sys/class/net/eth0/device", "")
        try set("/sys/class/net/eth0/operstate", "up\n")
        try set("/sys/class/net/eth0/speed", "1000\n")
        try set("/sys/class/net/eth0/mtu", "1492\n")
        try set("/sys/class/net/eth0/statistics/rx_bytes", "1000\n")
        try set("/sys/class/net/eth0/statistics/tx_bytes", "2000\n")
        try set("/sys/class/net/veth1/operstate", "up\n")
        try set("/sys/class/net/veth1/speed", "10000\n")
        try set("/proc/sys/net/ipv4/icmp_echo_ignore_all", "0\n")
        try set("/proc/net/if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n")
        try set("/proc/sys/net/ipv6/icmp/echo_ignore_all", "0\n")
        try FileManager.default.createDirectory(atPath: root + "/state", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func set(_ path: String, _ content: String) throws {
        let full = URL(fileURLWithPath: root + path)
        try FileManager.default.createDirectory(at: full.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: full)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: root + path) }

    /// What a healthy host answers.
    var facts: HostFacts {
        HostFacts(
            root: root,
            clock: { .init(isUnsynchronized: false, maximumErrorUS: 1234) },
            interface: { $0 == "192.0.2.1" ? "eth0" : nil },
            fileLimit: { 1_048_576 },
            probeClosedUDP: { _ in .refused },
            probeClosedTCP: { _ in .refused },
            monotonic: { [time] in time.tick() }
        )
    }

    /// Answers like iperf3 3.16 with a loopback of `mbps`.
    static func iperf3(mbps: Int) -> SelfTest.Run {
        { _, arguments, _ in
            let text: String
            if arguments.first == "--version" {
                text = "iperf 3.16 (cJSON 1.7.17)\nLinux\n"
            } else if arguments.first == "-c" {
                text = #"{"end":{"sum_received":{"bits_per_second":\#(mbps)000000.5}}}"#
            } else {
                text = ""
            }
            return SelfTest.ProcessOutput(status: 0, standardOutput: Array(text.utf8), standardError: [])
        }
    }

    func selfTest(
        facts: HostFacts? = nil,
        run: @escaping SelfTest.Run = FakeHost.iperf3(mbps: 12_340),
        auditFolder: String? = nil,
        signAndVerify: @escaping @Sendable () throws -> Bool = { true }
    ) -> SelfTest {
        SelfTest(
            facts: facts ?? self.facts,
            run: run,
            stateFolder: root + "/state",
            auditFolder: auditFolder,
            signAndVerify: signAndVerify
        )
    }
}

extension SelfTestReport {
    func check(_ name: String) -> SelfTestCheck? { checks.first { $0.name == name } }
}
