internal import LinkMeasurement
internal import Operations
internal import Reflector

/// `/proc` and `/sys`, which a container's host may show in any form.
enum HostFactsProperties {
    /// The files that are read, in the order of the input's parts.
    private static let names = [
        "proc/loadavg", "proc/meminfo", "proc/stat", "proc/cpuinfo", "proc/net/dev", "proc/net/if_inet6",
        "proc/device-tree/model", "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
        "sys/class/net/eth0/operstate", "sys/class/net/eth0/speed", "sys/class/net/eth0/statistics/rx_bytes",
        "proc/sys/net/ipv4/icmp_echo_ignore_all",
    ]

    /// The input's parts, separated by zero bytes, are the files: figures are possible, checks have words.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        let folder = try ScratchFolder()
        let parts = bytes.split(separator: 0, maxSplits: names.count - 1, omittingEmptySubsequences: false)
        for (name, part) in zip(names, parts) { try folder.write(name, part) }
        try folder.write("sys/class/net/eth0/device", [])
        let facts = HostFacts(
            root: folder.path,
            clock: { nil },
            interface: { _ in "eth0" },
            fileLimit: { 1_024 },
            probeClosedUDP: { _ in .refused },
            probeClosedTCP: { _ in .silence },
            monotonic: { 0 }
        )
        if let load = try? facts.loadAverages() {
            try require(load.count == 3 && load.allSatisfy { $0.isFinite && $0 >= 0 }, "the load is \(load)")
        }
        if let memory = try? facts.memory() {
            try require(memory.totalMB >= 0 && memory.availableMB >= 0, "the memory is \(memory)")
        }
        if let count = try? facts.processorCount() { try require(count > 0, "there are \(count) processors") }
        for name in facts.interfaces() {
            try require(!name.isEmpty && !name.contains("/") && name != "..", "an interface is called \(name)")
        }
        _ = facts.counter("/sys/class/net/eth0/statistics/rx_bytes")
        let test = SelfTest(
            facts: facts,
            run: { _, _, _ in SelfTest.ProcessOutput(status: 0, standardOutput: [], standardError: []) },
            stateFolder: folder.path,
            signAndVerify: { true }
        )
        let checks = [test.checkCPU(), test.checkFeatures(), test.checkMemory(), test.checkTrace()]
        for check in checks + test.checkNetwork().checks {
            try require(!check.name.isEmpty && !check.details.isEmpty, "a check has no words")
            try require(check.measured?.isFinite ?? true, "\(check.name) measured \(check.measured ?? 0)")
        }
    }
}
