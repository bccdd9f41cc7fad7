internal import LinkMeasurement
internal import Operations

/// Interfaces, and what a traceroute meets.
extension SelfTest {
    private static let speedThreshold = "1000 Mbps"
    /// Mbit/s: a hundred times the fastest port sold.
    private static let fastestLink = 100_000_000

    /// One check for each physical interface that is up, and the speed of the fastest.
    package func checkNetwork() -> (checks: [SelfTestCheck], mbps: Double?) {
        // Only interfaces with a device: a bridge or veth reports a speed that no cable has.
        let physical = facts.interfaces().filter { facts.exists("/sys/class/net/\($0)/device") }
        let states = physical.map { ($0, state(of: $0)) }
        let up = states.filter { $0.1 == "up" }
        if physical.isEmpty {
            let check = SelfTestCheck(
                SelfTest.network,
                .warn,
                "No physical NIC is visible; only loopback or virtual interfaces",
                threshold: SelfTest.speedThreshold,
                remedy: "run on the host or give the container or VM its NIC; the speed of the link is not known here"
            )
            return ([check], nil)
        }
        var fastest: Double?
        let checks = (up.isEmpty ? states : up).map { name, state in
            let speed = speed(of: name)
            if state == "up", let speed { fastest = max(fastest ?? 0, speed) }
            return check(name, state: state, speed: speed)
        }
        return (checks, fastest)
    }

    private func state(of interface: String) -> String {
        let text = (try? facts.text("/sys/class/net/\(interface)/operstate")) ?? "unknown"
        return String(text.prefix { $0 != "\n" })
    }

    /// Mbit/s; nil if the driver reports none (-1, or an error while the link is down) or an impossible one.
    private func speed(of interface: String) -> Double? {
        facts.number("/sys/class/net/\(interface)/speed").flatMap {
            (1...Self.fastestLink).contains($0) ? Double($0) : nil
        }
    }

    private func check(_ name: String, state: String, speed: Double?) -> SelfTestCheck {
        let title = "\(SelfTest.network): \(name)"
        guard state == "up" else {
            return SelfTestCheck(
                title,
                .warn,
                "\(name): no link (state: \(state))",
                threshold: SelfTest.speedThreshold,
                remedy: "connect the cable, or set the interface up"
            )
        }
        guard let speed else {
            return SelfTestCheck(
                title,
                .warn,
                "\(name): speed not reported by the driver (state: \(state))",
                threshold: SelfTest.speedThreshold,
                remedy: "virtual NICs often report no speed; ask the provider, or measure against a known host"
            )
        }
        return SelfTestCheck(
            title,
            speed >= 1000 ? .pass : .warn,
            "\(name): \(Int(speed)) Mbps (state: \(state))",
            measured: speed,
            unit: "Mbps",
            threshold: SelfTest.speedThreshold,
            remedy: "use a gigabit port and a Cat 5e cable or better; results above \(Int(speed)) Mbps are not possible"
        )
    }

    /// What the host itself answers. Rules of other interfaces and firewalls on the path are not visible from here.
    package func checkTrace() -> SelfTestCheck {
        var faults: [String] = []
        var unknown: [String] = []
        var remedies: [String] = []
        let echoes: [(name: String, path: String, setting: String)] = [
            ("ICMP echo", "/proc/sys/net/ipv4/icmp_echo_ignore_all", "net.ipv4.icmp_echo_ignore_all"),
            ("ICMPv6 echo", "/proc/sys/net/ipv6/icmp/echo_ignore_all", "net.ipv6.icmp.echo_ignore_all"),
        ]
        // Empty or absent if IPv6 is disabled.
        let hasIPv6 = (try? facts.text("/proc/net/if_inet6"))?.isEmpty == false
        for echo in echoes where hasIPv6 || echo.name == "ICMP echo" {
            switch facts.number(echo.path) {
            case 0: break
            case nil: unknown.append(echo.name)
            default:
                faults.append("\(echo.name) is ignored")
                remedies.append("sysctl -w \(echo.setting)=0")
            }
        }
        var answers = [
            ("UDP port unreachable", facts.probeClosedUDP(.ipv4)), ("TCP reset", facts.probeClosedTCP(.ipv4)),
        ]
        if hasIPv6 {
            answers.append(("UDP port unreachable (IPv6)", facts.probeClosedUDP(.ipv6)))
            answers.append(("TCP reset (IPv6)", facts.probeClosedTCP(.ipv6)))
        }
        for (name, answer) in answers {
            switch answer {
            case .refused: break
            case .silence:
                faults.append("no \(name) from a closed port")
                remedies.append("let the host's firewall reject instead of drop (nft: `reject`)")
            case .failed(let reason): unknown.append("\(name) (\(reason))")
            }
        }
        let notSeen = "; firewalls on the path are not visible from here"
        let threshold = "ICMP echo answered, closed UDP and TCP ports refused"
        if !faults.isEmpty {
            var distinct: [String] = []
            for remedy in remedies where !distinct.contains(remedy) { distinct.append(remedy) }
            let rest = unknown.isEmpty ? "" : "; unknown: \(unknown.joined(separator: ", "))"
            return SelfTestCheck(
                SelfTest.trace,
                .warn,
                faults.joined(separator: ", ") + rest,
                threshold: threshold,
                remedy: distinct.joined(separator: "; ")
            )
        }
        if !unknown.isEmpty {
            return SelfTestCheck(
                SelfTest.trace,
                .warn,
                "Could not be tested: \(unknown.joined(separator: ", "))",
                threshold: threshold,
                remedy: "run it where /proc is mounted and sockets may be opened"
            )
        }
        return SelfTestCheck(
            SelfTest.trace,
            .pass,
            "ICMP echo on, closed UDP and TCP ports refuse (loopback)" + notSeen,
            threshold: threshold
        )
    }
}
