internal import Reflector
internal import StrictJSON
internal import Testing

@Suite struct SelfTestReportTests {
    /// A report with one result of each kind of check.
    private let sample = SelfTestReport(
        checks: [
            .init("CPU", .pass, "Intel N100 (4 cores, 3400 MHz)", threshold: "t"),
            .init("CPU Features", .pass, "Detected: AVX2, AES-NI, SSE4.2", threshold: "t"),
            .init("Memory", .pass, "7823 MB total, 6102 MB available", threshold: "t"),
            .init("Network: eth0", .pass, "eth0: 1000 Mbps (state: up)", threshold: "t"),
            .init("iperf3", .pass, "iperf3 3.16 (cJSON 1.7.17)", threshold: "t"),
            .init("Loopback Throughput", .pass, "Loopback iperf3 (4 streams, 5s): 12340 Mbps", threshold: "t"),
            .init("Disk I/O", .pass, "42.1 MB/s sequential write (1 MB x 10)", threshold: "t"),
            .init("Crypto (Ed25519)", .pass, "28401 sign+verify ops/sec", threshold: "t"),
            .init("Time Sync", .pass, "NTP synchronized (timedatectl)", threshold: "t"),
            .init("File Descriptors", .pass, "Soft limit: 1048576", threshold: "t"),
        ],
        loopbackMbps: 12_340,
        nicMbps: 1000
    )

    @Test func `the page has a table of checks, capabilities and a verdict`() {
        #expect(
            sample.text == """
                  PacketParamedic Reflector Self-Test
                  ===================================

                  Component                 Status Details
                  ---------------------------------------------------------------------------
                  CPU                       PASS   Intel N100 (4 cores, 3400 MHz)
                  CPU Features              PASS   Detected: AVX2, AES-NI, SSE4.2
                  Memory                    PASS   7823 MB total, 6102 MB available
                  Network: eth0             PASS   eth0: 1000 Mbps (state: up)
                  iperf3                    PASS   iperf3 3.16 (cJSON 1.7.17)
                  Loopback Throughput       PASS   Loopback iperf3 (4 streams, 5s): 12340 Mbps
                  Disk I/O                  PASS   42.1 MB/s sequential write (1 MB x 10)
                  Crypto (Ed25519)          PASS   28401 sign+verify ops/sec
                  Time Sync                 PASS   NTP synchronized (timedatectl)
                  File Descriptors          PASS   Soft limit: 1048576

                  Capabilities:
                    + 1 Gbps Throughput Testing
                    + 1 Gbps NIC Detected
                    + mTLS Performance
                    + Audit Log Performance
                    + Accurate Timestamps
                    - Trace Target

                  Verdict: READY - Host can sustain 1 Gbps. Estimated max: 900 Mbps

                """
        )
        #expect(sample.exitCode == 0)
    }

    @Test func `a warning degrades, a failure is not ready with exit code 2, and both say what to do`() {
        var report = sample
        report.checks[2] = .init("Memory", .warn, "little", threshold: "512 MB available", remedy: "add some")
        #expect(report.verdict == .degraded && report.exitCode == 0)
        #expect(report.text.contains("\n  What to do:\n    Memory: needs 512 MB available; add some\n"))
        report.checks[6] = .init("Disk I/O", .fail, "none", threshold: "10 MB/s", remedy: "buy one")
        #expect(report.verdict == .notReady && report.exitCode == 2)
        #expect(report.sentence.hasPrefix("NOT READY - Critical failures: Disk I/O."))
        #expect(report.text.contains("    - Audit Log Performance\n"))
    }

    @Test func `the estimate is nine tenths of the lesser, and unknown when one is unknown`() {
        var report = sample
        #expect(report.estimatedMaxMbps == 900)
        report.loopbackMbps = 555.5
        #expect(report.estimatedMaxMbps == 499)
        report.nicMbps = nil
        #expect(report.estimatedMaxMbps == nil)
        #expect(report.sentence.contains("unknown (no NIC reports its speed)"))
        report.loopbackMbps = nil
        #expect(report.json["estimated_max_mbps"] == .null)
    }

    @Test func `JSON has the same content`() throws {
        var report = sample
        report.checks[2] = .init(
            "Memory",
            .warn,
            "little",
            measured: 300,
            unit: "MB",
            threshold: "512 MB",
            remedy: "add"
        )
        let json = try JSONParser.parse(report.json.prettyText)
        #expect(json["verdict"] == .string("DEGRADED"))
        #expect(json["exit_code"] == .integer(0))
        #expect(json["estimated_max_mbps"] == .integer(900))
        guard case .array(let checks) = json["checks"], case .array(let capabilities) = json["capabilities"] else {
            Issue.record("no lists")
            return
        }
        #expect(checks.count == 10 && capabilities.count == 6)
        #expect(
            checks[2]
                == .object([
                    .init("name", .string("Memory")), .init("status", .string("WARN")),
                    .init("details", .string("little")),
                    .init("measured", .number(300)), .init("unit", .string("MB")),
                    .init("threshold", .string("512 MB")),
                    .init("remedy", .string("add")),
                ])
        )
        #expect(checks[0]["remedy"] == .null)
    }
}
