internal import Operations
package import StrictJSON

/// All checks, their result, and how to show it.
package struct SelfTestReport: Equatable, Sendable {
    package enum Verdict: String, Sendable {
        /// Every check passed.
        case ready = "READY"
        /// Some warned, none failed.
        case degraded = "DEGRADED"
        /// One failed.
        case notReady = "NOT READY"
    }

    package struct Capability: Equatable, Sendable {
        package var name: String
        package var isPresent: Bool
    }

    package var checks: [SelfTestCheck]
    /// From iperf3 over the loopback interface; nil if it could not be measured.
    package var loopbackMbps: Double?
    /// Of the fastest interface that is up; nil if none reports its speed.
    package var nicMbps: Double?

    package init(checks: [SelfTestCheck], loopbackMbps: Double?, nicMbps: Double?) {
        self.checks = checks
        self.loopbackMbps = loopbackMbps
        self.nicMbps = nicMbps
    }

    package var verdict: Verdict {
        if checks.contains(where: { $0.status == .fail }) { return .notReady }
        return checks.contains(where: { $0.status == .warn }) ? .degraded : .ready
    }

    /// 0, or 2 if the host is not ready.
    package var exitCode: Int32 { verdict == .notReady ? 2 : 0 }

    /// Mbit/s that a test over the network may reach: the lesser of loopback and interface, a tenth off for headers and
    /// TLS. Nil if one of them is not known.
    package var estimatedMaxMbps: Int? {
        guard let loopbackMbps, let nicMbps else { return nil }
        return Int(exactly: (min(loopbackMbps, nicMbps) * 0.9).rounded(.down))
    }

    package var capabilities: [Capability] {
        func passed(_ name: String) -> Bool {
            let found = checks.filter { $0.name == name || $0.name.hasPrefix(name + ":") }
            return found.contains { $0.status == .pass }
        }
        return [
            Capability(
                name: "1 Gbps Throughput Testing",
                isPresent: passed(SelfTest.loopback) && passed(SelfTest.network) && passed(SelfTest.cpu)
            ),
            Capability(name: "1 Gbps NIC Detected", isPresent: passed(SelfTest.network)),
            Capability(name: "mTLS Performance", isPresent: passed(SelfTest.crypto)),
            Capability(name: "Audit Log Performance", isPresent: passed(SelfTest.disk)),
            Capability(name: "Accurate Timestamps", isPresent: passed(SelfTest.time)),
            Capability(name: "Trace Target", isPresent: passed(SelfTest.trace)),
        ]
    }

    /// The verdict in a sentence.
    package var sentence: String {
        let estimate = estimatedMaxMbps.map { "\($0) Mbps" } ?? "unknown (\(unknownReason))"
        switch verdict {
        case .ready: return "READY - Host can sustain 1 Gbps. Estimated max: \(estimate)"
        case .degraded: return "DEGRADED - Throughput may be limited. Estimated max: \(estimate)"
        case .notReady:
            let failed = checks.filter { $0.status == .fail }.map(\.name)
            return "NOT READY - Critical failures: \(failed.joined(separator: ", ")). Estimated max: \(estimate)"
        }
    }

    private var unknownReason: String {
        switch (loopbackMbps, nicMbps) {
        case (nil, nil): "neither loopback nor NIC speed could be measured"
        case (nil, _): "loopback was not measured"
        default: "no NIC reports its speed"
        }
    }

    /// The page: title, table, capabilities, verdict; the remedies, if any, precede the verdict.
    package var text: String {
        let title = "PacketParamedic Reflector Self-Test"
        let table = TextTable(
            columns: [
                .init("Component", minimumWidth: 25), .init("Status", minimumWidth: 6), .init("Details"),
            ],
            rows: checks.map { [$0.name, $0.status.rawValue, $0.details] },
            ruleLength: 75,
            gap: 1
        )
        var text = "  \(title)\n  \(String(repeating: "=", count: title.count))\n\n\(table.text)\n  Capabilities:\n"
        for capability in capabilities { text += "    \(capability.isPresent ? "+" : "-") \(capability.name)\n" }
        let remedies = checks.filter { $0.remedy != nil }
        if !remedies.isEmpty {
            text += "\n  What to do:\n"
            for check in remedies { text += "    \(check.name): needs \(check.threshold); \(check.remedy ?? "")\n" }
        }
        return text + "\n  Verdict: \(sentence)\n"
    }

    /// The same content.
    package var json: JSONValue {
        .object([
            .init("verdict", .string(verdict.rawValue)), .init("sentence", .string(sentence)),
            .init("estimated_max_mbps", .init(optional: estimatedMaxMbps.map { Int64($0) })),
            .init("exit_code", .integer(Int64(exitCode))), .init("checks", .array(checks.map(\.json))),
            .init(
                "capabilities",
                .array(
                    capabilities.map {
                        .object([.init("name", .string($0.name)), .init("available", .boolean($0.isPresent))])
                    }
                )
            ),
        ])
    }
}
