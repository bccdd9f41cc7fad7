internal import Crypto
internal import Foundation
internal import Glibc
internal import StrictJSON
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite struct SelfTestTests {
    let host: FakeHost
    init() throws { host = try FakeHost() }

    @Test func `a healthy host is ready`() async throws {
        var names: [String] = []
        let report = await host.selfTest().report { names.append($0) }
        #expect(
            report.checks.map(\.name) == [
                "CPU", "CPU Features", "Memory", "Network: eth0", "iperf3", "Loopback Throughput", "Disk I/O",
                "Crypto (Ed25519)", "Time Sync", "File Descriptors", "Trace Target",
            ]
        )
        #expect(report.check("CPU")?.details == "Intel N100 (4 cores, 3400 MHz)")
        #expect(report.check("CPU Features")?.details == "Detected: AVX2, AES-NI, SSE4.2")
        #expect(report.check("Memory")?.details == "7824 MB total, 6102 MB available")
        #expect(report.check("Network: eth0")?.details == "eth0: 1000 Mbps (state: up)")
        #expect(report.check("iperf3")?.details == "iperf3 3.16 (cJSON 1.7.17)")
        #expect(report.check("Loopback Throughput")?.details == "Loopback iperf3 (4 streams, 5s): 12340 Mbps")
        #expect(report.check("Time Sync")?.details == "NTP synchronized (kernel, error at most 1.2 ms)")
        #expect(report.check("File Descriptors")?.details == "Soft limit: 1048576")
        #expect(report.check("Disk I/O")?.details == "20000.0 MB/s sequential write (1 MB x 10)")
        #expect(report.check("Crypto (Ed25519)")?.details == "2000 sign+verify ops/sec")
        #expect(report.checks.allSatisfy { $0.status == .pass && $0.remedy == nil }, "\(report.text)")
        #expect(report.verdict == .ready)
        #expect(report.estimatedMaxMbps == 900)
        #expect(names.first == "CPU" && names.contains("Loopback Throughput"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: host.root + "/state").isEmpty)
    }

    @Test func `every check that does not pass says what is needed and what to do`() async throws {
        try host.set("/proc/stat", "cpu 1\ncpu0 1\n")
        try host.set("/proc/cpuinfo", "processor : 0\nflags : fpu\n")
        try host.set("/proc/meminfo", "MemTotal: 204800 kB\nMemAvailable: 102400 kB\n")
        try host.set("/sys/class/net/eth0/speed", "100\n")
        try host.set("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1\n")
        var facts = host.facts
        facts.clock = { .init(isUnsynchronized: true, maximumErrorUS: 16_000_000) }
        facts.fileLimit = { 256 }
        facts.probeClosedTCP = { _ in .silence }
        struct NoProgram: Error {}
        var test = host.selfTest(facts: facts, run: { _, _, _ in throw NoProgram() }, signAndVerify: { false })
        try FileManager.default.removeItem(atPath: host.root + "/state")
        let report = await test.report()
        #expect(report.checks.allSatisfy { $0.status != .pass && $0.remedy?.isEmpty == false && !$0.threshold.isEmpty })
        let failed = report.checks.filter { $0.status == .fail }.map(\.name)
        #expect(failed == ["CPU", "Memory", "Disk I/O", "Crypto (Ed25519)", "File Descriptors"])
        #expect(report.verdict == .notReady && report.exitCode == 2)
        #expect(report.check("Trace Target")?.details.contains("ICMP echo is ignored") == true)
        #expect(report.check("Trace Target")?.details.contains("no TCP reset") == true)
        #expect(report.capabilities.allSatisfy { !$0.isPresent })
        test = host.selfTest(facts: facts, signAndVerify: { throw NoProgram() })
        #expect(await test.report().check("Crypto (Ed25519)")?.status == .fail)
    }

    @Test func `an unknown clock is unknown, never synchronized`() async {
        var facts = host.facts
        facts.clock = { nil }
        let check = await host.selfTest(facts: facts).report().check("Time Sync")
        #expect(check?.status == .warn && check?.details.hasPrefix("Unknown") == true)
    }

    @Test func `IPv6 is examined where it is on, and no fault where it is off`() async throws {
        var facts = host.facts
        facts.probeClosedUDP = { $0 == .ipv6 ? .silence : .refused }
        #expect(
            await host.selfTest(facts: facts).report().check("Trace Target")?.details
                == "no UDP port unreachable (IPv6) from a closed port"
        )
        try host.set("/proc/net/if_inet6", "")
        #expect(await host.selfTest(facts: facts).report().check("Trace Target")?.status == .pass)
        facts.probeClosedTCP = { _ in .failed("Operation not permitted") }
        let check = await host.selfTest(facts: facts).report().check("Trace Target")
        #expect(check?.details == "Could not be tested: TCP reset (Operation not permitted)" && check?.status == .warn)
    }

    @Test func `without a physical interface nothing is made up`() async throws {
        try host.remove("/sys/class/net/eth0/device")
        let report = await host.selfTest().report()
        #expect(report.check("Network")?.status == .warn)
        #expect(report.nicMbps == nil && report.estimatedMaxMbps == nil)
        #expect(!report.capabilities[0].isPresent)
        #expect(report.sentence.hasPrefix("DEGRADED"))
    }

    @Test func `an interface that tells no speed, or is down, warns`() async throws {
        try host.set("/sys/class/net/eth0/speed", "-1\n")
        var report = await host.selfTest().report()
        #expect(report.check("Network: eth0")?.details == "eth0: speed not reported by the driver (state: up)")
        #expect(report.nicMbps == nil)
        try host.set("/sys/class/net/eth0/operstate", "down\n")
        report = await host.selfTest().report()
        #expect(report.check("Network: eth0")?.details == "eth0: no link (state: down)")
    }

    @Test func `of several interfaces the fastest that is up counts, and those that are down are no fault`()
        async throws
    {
        try host.set("/proc/net/dev", "a\nb\n  eth0: 1\n  eth1: 1\n  eth2: 1\n")
        for (name, state, speed) in [("eth1", "up", "2500"), ("eth2", "down", "-1")] {
            try host.set("/sys/class/net/\(name)/device", "")
            try host.set("/sys/class/net/\(name)/operstate", state + "\n")
            try host.set("/sys/class/net/\(name)/speed", speed + "\n")
        }
        let report = await host.selfTest().report()
        #expect(
            report.checks.filter { $0.name.hasPrefix("Network") }.map(\.name) == ["Network: eth0", "Network: eth1"]
        )
        #expect(report.nicMbps == 2500)
    }

    @Test func `an arm64 board is described by its device tree and its features`() async throws {
        try host.set("/proc/cpuinfo", "processor : 0\nFeatures : fp asimd aes sha2\nCPU implementer : 0x41\n")
        try host.set("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
        let report = await host.selfTest().report()
        #expect(report.check("CPU")?.details == "Raspberry Pi 5 Model B Rev 1.0 (4 cores, 3400 MHz)")
        #expect(report.check("CPU Features")?.details == "Detected: NEON, AES, SHA2")
    }

    @Test func `a host without /proc is no trap`() async throws {
        for path in ["/proc", "/sys"] { try host.remove(path) }
        let report = await host.selfTest().report()
        #expect(report.verdict != .ready)
        #expect(report.check("Memory")?.status == .warn)
    }

    @Test func `damaged files of the kernel are no trap`() async throws {
        for path in ["/proc/meminfo", "/proc/stat", "/proc/cpuinfo", "/proc/net/dev", "/sys/class/net/eth0/speed"] {
            for content in [
                "", "\n", ":", "\0\u{ff}", "cpu", "cpuX", "MemTotal: -9 kB\nMemAvailable: x", "99999999999999999999",
            ] {
                let other = try FakeHost()
                try other.set(path, content)
                _ = await other.selfTest().report()
            }
        }
    }

    @Test(arguments: [
        "", "{", #"{"error":"unable to connect to server"}"#, #"{"end":{}}"#,
        #"{"end":{"sum_received":{"bits_per_second":"x"}}}"#,
        #"{"end":{"sum_received":{"bits_per_second":1e300}}}"#, #"{"end":{"sum_received":{"bits_per_second":-1}}}"#,
    ])
    func `an iperf3 that gives no usable result is not a measurement`(output: String) async {
        let report = await host.selfTest(run: { _, arguments, _ in
            let text = arguments.first == "--version" ? "iperf 3.16\n" : output
            return .init(status: 1, standardOutput: Array(text.utf8), standardError: [])
        }).report()
        #expect(report.check("Loopback Throughput")?.status == .warn)
        #expect(report.loopbackMbps == nil && report.estimatedMaxMbps == nil)
    }

    @Test func `another program in iperf3's place is not iperf3`() async {
        let report = await host.selfTest(run: { _, _, _ in
            .init(status: 0, standardOutput: Array("iperf version 2.1.8\n".utf8), standardError: [])
        }).report()
        #expect(report.check("iperf3")?.status == .warn)
        #expect(report.check("Loopback Throughput")?.status == .warn)
    }

    @Test func `this machine is examined with its real iperf3 and real signatures, and no child stays`() async throws {
        let key = Curve25519.Signing.PrivateKey()
        let message = Array("self-test".utf8)
        let test = SelfTest(
            facts: .real,
            run: SelfTest.runChild,
            stateFolder: host.root + "/state",
            signAndVerify: { key.publicKey.isValidSignature(try key.signature(for: message), for: message) },
            loopbackSeconds: 1
        )
        let report = await test.report()
        #expect(report.check("iperf3")?.details.hasPrefix("iperf3 3.") == true, "\(report.text)")
        #expect(try #require(report.loopbackMbps) > 1)
        #expect(try #require(report.check("Disk I/O")?.measured) > 0)
        #expect(try #require(report.check("Crypto (Ed25519)")?.measured) > 0)
        #expect(report.check("CPU")?.measured == Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        #expect(report.check("Trace Target")?.details.contains("refuse") == true, "\(report.text)")
        #expect(try JSONParser.parse(report.json.text)["checks"] != nil)
    }

    @Test func `a folder of the audit log on another file system is measured as well, and one on the same is not`()
        async throws
    {
        let other = "/dev/shm/self-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: other) }
        var report = await host.selfTest(auditFolder: other).report()
        #expect(report.check("Disk I/O")?.status == .pass)
        #expect(report.check("Disk I/O: audit log")?.details.contains("MB/s sequential write") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other).isEmpty)
        report = await host.selfTest(auditFolder: host.root + "/state/.").report()
        #expect(report.check("Disk I/O: audit log") == nil)
        report = await host.selfTest(auditFolder: host.root + "/none").report()
        #expect(report.check("Disk I/O: audit log")?.details.hasPrefix("Cannot write in \(host.root)/none") == true)
        #expect(report.verdict == .notReady)
    }

    @Test func `a program that does not end in its time, or whose task is canceled, is killed and throws`()
        async throws
    {
        let error = await failure { try await SelfTest.runChild("sleep", ["60"], .milliseconds(50)) }
        #expect("\(try #require(error))" == "sleep did not end within 50ms and was killed")
        let task = Task { try await SelfTest.runChild("sleep", ["60"], .seconds(50)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let output = try await SelfTest.runChild("echo", ["x"], .seconds(60))
        #expect(output == .init(status: 0, standardOutput: Array("x\n".utf8), standardError: []))
    }

    @Test func `the real probes tell a closed port from an open one`() {
        #expect(HostFacts.real.probeClosedUDP(.ipv4) == .refused)
        #expect(HostFacts.real.probeClosedTCP(.ipv4) == .refused)
        #expect(HostFacts.real.interface("127.0.0.1") == "lo")
        #expect(HostFacts.real.interface("::ffff:127.0.0.1") == "lo")
        #expect(HostFacts.real.interface("::1%lo") == HostFacts.real.interface("::1"))
        for none in ["", "192.0.2.77", "x", "::1%", "%", "1.2.3.4.5", String(repeating: "1", count: 500)] {
            #expect(HostFacts.real.interface(none) == nil, "\(none)")
        }
    }
}
