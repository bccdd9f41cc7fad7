internal import LinkMeasurement
internal import Operations

/// Processor, memory, clock and limits.
extension SelfTest {
    package func checkCPU() -> SelfTestCheck {
        let threshold = "4 or more cores"
        let remedy = "run on a machine or instance with at least 4 cores; with fewer, use fewer streams"
        guard let cores = try? facts.processorCount() else {
            return SelfTestCheck(
                SelfTest.cpu,
                .warn,
                "the number of cores could not be read from /proc/stat",
                threshold: threshold,
                remedy: "mount /proc"
            )
        }
        let info = cpuInformation()
        let model = info["model name"] ?? deviceModel() ?? "Unknown processor"
        let clock = megahertz(info).map { ", \($0) MHz" } ?? ""
        return SelfTestCheck(
            SelfTest.cpu,
            SelfTestCheck.status(Double(cores), pass: 4, warn: 2),
            "\(model) (\(cores) \(cores == 1 ? "core" : "cores")\(clock))",
            measured: Double(cores),
            unit: "cores",
            threshold: threshold,
            remedy: remedy
        )
    }

    /// The first value of each name in /proc/cpuinfo.
    private func cpuInformation() -> [String: String] {
        var values: [String: String] = [:]
        for line in ((try? facts.text("/proc/cpuinfo")) ?? "").split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].split { $0 == " " || $0 == "\t" }.joined(separator: " ")
            let value = line[line.index(after: colon)...].split(separator: " ").joined(separator: " ")
            if values[name] == nil, !value.isEmpty { values[name] = value }
        }
        return values
    }

    /// arm64 boards have no `model name`, but a device tree.
    private func deviceModel() -> String? {
        guard let text = try? facts.text("/proc/device-tree/model") else { return nil }
        let model = text.prefix { $0 != "\0" && $0 != "\n" }
        return model.isEmpty ? nil : String(model)
    }

    private func megahertz(_ info: [String: String]) -> Int? {
        if let kilohertz = facts.number("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"), kilohertz > 0 {
            return kilohertz / 1000
        }
        guard let now = info["cpu MHz"].flatMap({ Double($0) }), now.isFinite, now > 0 else { return nil }
        return Int(exactly: now.rounded())
    }

    package func checkFeatures() -> SelfTestCheck {
        let info = cpuInformation()
        let flags = Set((info["flags"] ?? info["Features"] ?? "").split(separator: " ").map(String.init))
        // x86-64 lists `flags`, arm64 lists `Features`.
        let isARM = info["Features"] != nil
        let wanted: [(flag: String, name: String, isNeeded: Bool)] =
            isARM
            ? [("asimd", "NEON", true), ("aes", "AES", true), ("sha2", "SHA2", false)]
            : [("avx2", "AVX2", true), ("aes", "AES-NI", true), ("sse4_2", "SSE4.2", false)]
        let found = wanted.filter { flags.contains($0.flag) }.map(\.name)
        let missing = wanted.filter { $0.isNeeded && !flags.contains($0.flag) }.map(\.name)
        let detected = found.isEmpty ? "none" : found.joined(separator: ", ")
        return SelfTestCheck(
            SelfTest.features,
            missing.isEmpty ? .pass : .warn,
            "Detected: \(detected)" + (missing.isEmpty ? "" : "; missing: \(missing.joined(separator: ", "))"),
            threshold: isARM ? "NEON and AES" : "AVX2 and AES-NI",
            remedy:
                "encryption will cost more CPU; in a VM, let the hypervisor pass the host's CPU features through"
        )
    }

    package func checkMemory() -> SelfTestCheck {
        let threshold = "512 MB available"
        guard let memory = try? facts.memory() else {
            return SelfTestCheck(
                SelfTest.memory,
                .warn,
                "the memory could not be read from /proc/meminfo",
                threshold: threshold,
                remedy: "mount /proc"
            )
        }
        return SelfTestCheck(
            SelfTest.memory,
            SelfTestCheck.status(Double(memory.availableMB), pass: 512, warn: 256),
            "\(memory.totalMB) MB total, \(memory.availableMB) MB available",
            measured: Double(memory.availableMB),
            unit: "MB",
            threshold: threshold,
            remedy: "stop programs that use memory, or add some"
        )
    }

    func checkTime() -> SelfTestCheck {
        let threshold = "a clock that NTP or PTP disciplines"
        let remedy = "install and start chrony or systemd-timesyncd; in a container, on the host"
        switch facts.clock() {
        case .some(let clock) where !clock.isUnsynchronized:
            return SelfTestCheck(
                SelfTest.time,
                .pass,
                "NTP synchronized (kernel, error at most \(SelfTest.oneDecimal(Double(clock.maximumErrorUS) / 1000)) ms)",
                measured: Double(clock.maximumErrorUS),
                unit: "us",
                threshold: threshold
            )
        case .some:
            return SelfTestCheck(
                SelfTest.time,
                .warn,
                "Clock is not synchronized",
                threshold: threshold,
                remedy: remedy
            )
        case .none:
            let details = "Unknown: the kernel does not report it (adjtimex refused)"
            return SelfTestCheck(SelfTest.time, .warn, details, threshold: threshold, remedy: remedy)
        }
    }

    func checkFiles() -> SelfTestCheck {
        let threshold = "a soft limit of 4096"
        let remedy = "raise it: LimitNOFILE= in the systemd unit, or ulimit -n"
        guard let limit = facts.fileLimit() else {
            return SelfTestCheck(SelfTest.files, .warn, "Soft limit unknown", threshold: threshold, remedy: remedy)
        }
        return SelfTestCheck(
            SelfTest.files,
            SelfTestCheck.status(Double(limit), pass: 4096, warn: 1024),
            "Soft limit: " + (limit == .max ? "unlimited" : "\(limit)"),
            measured: Double(limit),
            unit: "files",
            threshold: threshold,
            remedy: remedy
        )
    }
}
