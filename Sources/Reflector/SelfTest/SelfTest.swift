package import LinkMeasurement
internal import Operations

/// Whether this host can sustain tests at 1 Gbit/s and serve as a target of traces.
package struct SelfTest: Sendable {
    /// The result of a child process.
    package struct ProcessOutput: Equatable, Sendable {
        /// Exit code; 128 plus the signal's number if one ended it.
        package var status: Int32
        package var standardOutput: [UInt8]
        package var standardError: [UInt8]

        package init(status: Int32, standardOutput: [UInt8], standardError: [UInt8]) {
            self.status = status
            self.standardOutput = standardOutput
            self.standardError = standardError
        }
    }

    /// Runs a program to its end and returns its output. Kills it if `timeout` is over or the task is canceled; throws
    /// then, and if it cannot be started.
    package typealias Run =
        @Sendable (_ executable: String, _ arguments: [String], _ timeout: Duration) async throws -> ProcessOutput

    static let cpu = "CPU"
    static let features = "CPU Features"
    static let memory = "Memory"
    static let network = "Network"
    static let iperf3 = "iperf3"
    static let loopback = "Loopback Throughput"
    static let disk = "Disk I/O"
    static let auditDisk = "Disk I/O: audit log"
    static let crypto = "Crypto (Ed25519)"
    static let time = "Time Sync"
    static let files = "File Descriptors"
    static let trace = "Trace Target"

    let facts: HostFacts
    let run: Run
    let iperf3Path: String
    let stateFolder: String
    let auditFolder: String
    let signAndVerify: @Sendable () throws -> Bool
    let loopbackSeconds: Int

    /// - Parameters:
    ///   - iperf3Path: As configured (`iperf3.path`); `run` resolves a bare name.
    ///   - stateFolder: The folder of key and accounts; its disk is measured with a file that is removed again.
    ///   - auditFolder: The folder of the audit log; also measured if it is on another file system.
    ///   - signAndVerify: Makes and verifies one Ed25519 signature; false if it did not verify.
    ///   - loopbackSeconds: Length of the loopback test.
    package init(
        facts: HostFacts = .real,
        run: @escaping Run,
        iperf3Path: String = "iperf3",
        stateFolder: String,
        auditFolder: String? = nil,
        signAndVerify: @escaping @Sendable () throws -> Bool,
        loopbackSeconds: Int = 5
    ) {
        self.facts = facts
        self.run = run
        self.iperf3Path = iperf3Path
        self.stateFolder = stateFolder
        self.auditFolder = auditFolder ?? stateFolder
        self.signAndVerify = signAndVerify
        self.loopbackSeconds = loopbackSeconds
    }

    /// Runs every check, one after the other: together they would measure each other. `progress` is called with the
    /// name of each before it starts.
    package func report(progress: (_ check: String) -> Void = { _ in }) async -> SelfTestReport {
        progress(SelfTest.cpu)
        var checks = [checkCPU(), checkFeatures(), checkMemory()]
        progress(SelfTest.network)
        let network = checkNetwork()
        checks += network.checks
        progress(SelfTest.iperf3)
        let version = await checkIperf3()
        checks.append(version)
        progress(SelfTest.loopback)
        let loopback = await checkLoopback(isInstalled: version.status == .pass)
        checks.append(loopback.check)
        progress(SelfTest.disk)
        checks += checkDisks()
        progress(SelfTest.crypto)
        checks += [checkCrypto(), checkTime(), checkFiles()]
        progress(SelfTest.trace)
        checks.append(checkTrace())
        return SelfTestReport(checks: checks, loopbackMbps: loopback.mbps, nicMbps: network.mbps)
    }

    /// One decimal, without Foundation.
    static func oneDecimal(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "?" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
