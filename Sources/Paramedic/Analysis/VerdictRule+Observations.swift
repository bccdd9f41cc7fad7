internal import LinkMeasurement
internal import Operations

// Rules that name no limit: what else a reader should know.

extension VerdictRule {
    private typealias Thresholds = VerdictThresholds

    static let slowTurnaround = VerdictRule(
        name: "slow turnaround",
        limit: nil,
        condition: "the reflector's median time to answer is 1 ms or more"
    ) { evidence in
        guard let turnaround = evidence.latency?.reflectorTurnaround, turnaround.p50 >= Thresholds.slowTurnaroundMs
        else {
            return nil
        }
        return
            "The reflector itself takes \(Quantity.milliseconds(turnaround.p50)) to answer a probe, which is part of the "
            + "latency shown."
    }

    static let probesNotSent = VerdictRule(
        name: "probes not sent",
        limit: nil,
        condition: "probes of the latency test could not leave this machine, or were skipped"
    ) { evidence in
        guard let latency = evidence.latency, latency.isDistortedByHost else { return nil }
        return "Probes are missing because of this machine, not the link: \(latency.hostWords.joined(separator: "; "))."
    }

    static let clientMemory = memory(.client)
    static let reflectorMemory = memory(.reflector)

    static let smallPacketSize = VerdictRule(
        name: "small MTU",
        limit: nil,
        condition: "an interface's MTU is below 1500"
    ) { evidence in
        let small = [evidence.client, evidence.reflector].compactMap { machine -> String? in
            guard let mtu = machine.before?.mtu, mtu > 0, mtu < Thresholds.ethernetMTU else { return nil }
            return "\(machine.name) sends packets of at most \(mtu) bytes"
        }
        guard let first = small.first else { return nil }
        return "\(first) (1500 is usual), as over a VPN or PPPoE; more headers for the same data."
    }

    static let unevenPacketSize = VerdictRule(
        name: "uneven MTU",
        limit: nil,
        condition: "the MTU differs between the two ends"
    ) { evidence in
        guard let here = evidence.client.before?.mtu, let there = evidence.reflector.before?.mtu, here > 0, there > 0,
            here != there
        else { return nil }
        return
            "The largest packets differ: \(here) bytes here, \(there) at the reflector. If large transfers stall, path "
            + "MTU discovery fails somewhere between."
    }

    static let clientClock = clock(.client)
    static let reflectorClock = clock(.reflector)

    static let growsUnderLoad = VerdictRule(
        name: "latency under load",
        limit: nil,
        condition: "bufferbloat was measured, in all its phases"
    ) { evidence in
        guard let result = evidence.bufferbloat else { return nil }
        if let grade = result.grade {
            return
                "Latency under load is graded \(grade.rawValue)\(result.probeInsideTLS ? ", measured inside TLS." : ".")"
        }
        // Missing phases have a rule of their own.
        if result.notMeasured != nil { return nil }
        return result.inconclusive.map { "Latency under load has no grade: \($0)." }
    }

    private static func memory(_ end: VerdictEvidence.End) -> VerdictRule {
        VerdictRule(name: "memory", limit: nil, condition: "95 % or more of the memory is used") { evidence in
            let machine = evidence[end]
            guard let share = machine.before?.memoryShare, share >= Thresholds.fullMemoryShare else { return nil }
            return "\(machine.name) has \(Quantity.percent(share * 100)) of its memory in use and may be swapping."
        }
    }

    private static func clock(_ end: VerdictEvidence.End) -> VerdictRule {
        VerdictRule(
            name: "clock",
            limit: nil,
            condition: "the clock is not synchronized, or is off by 100 ms or more"
        ) { evidence in
            let machine = evidence[end]
            guard let path = machine.before else { return nil }
            if path.timeSynced == false {
                return
                    "\(machine.name) has a clock that is not synchronized: its times cannot be compared with others'. "
                    + "The results do not depend on it."
            }
            guard let error = path.clockErrorUs, error >= Thresholds.clockErrorUs else { return nil }
            return "\(machine.name) has a clock that may be off by \(Quantity.milliseconds(Double(error) / 1000))."
        }
    }
}
