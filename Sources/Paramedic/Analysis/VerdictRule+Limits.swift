internal import LinkMeasurement
internal import Operations

// The rules that decide. Each is a name, its limit, its condition in words, and its finding.

extension VerdictRule {
    private typealias Thresholds = VerdictThresholds

    static let nothingMeasured = VerdictRule(
        name: "nothing measured",
        limit: .inconclusive,
        condition: "no direction moved a byte"
    ) { evidence in
        evidence.flows.contains { $0.bitsPerSecond > 0 } ? nil : "No throughput was measured."
    }

    static let incomplete = VerdictRule(
        name: "incomplete",
        limit: .inconclusive,
        condition: "a part of the examination was not measured"
    ) { evidence in
        evidence.missing.isEmpty
            ? nil : "Not everything was measured; missing: \(evidence.missing.joined(separator: ", "))."
    }

    static let tooShort = VerdictRule(
        name: "too short",
        limit: .inconclusive,
        condition: "a direction was measured for less than 1 s, and for less than 90 % of the requested time"
    ) { evidence in
        evidence.flows.first { $0.isTooShort }.map {
            "The test \($0.name) lasted only \(Quantity.seconds($0.durationSec)); at least one second is needed."
        }
    }

    static let slowLink = VerdictRule(
        name: "slow link",
        limit: .inconclusive,
        condition: "a direction carried less than 230 kbit/s"
    ) { evidence in
        evidence.flows.first { $0.bitsPerSecond > 0 && $0.bitsPerSecond < Thresholds.slowestMeasured }.map {
            "The test \($0.name) read \(Quantity.rate($0.bitsPerSecond)). On a link this slow, TCP repairs its first losses during part of the "
                + "test, so the link may carry more."
        }
    }

    static let offeredLoad = VerdictRule(
        name: "offered load",
        limit: .inconclusive,
        condition: "UDP arrived at 99 % of the rate at which it was sent"
    ) { evidence in
        evidence.flows.first {
            $0.transport == .udp && $0.bitsPerSecond >= ($0.sentBitsPerSecond ?? .infinity) * Thresholds.offeredShare
        }.map {
            "All of the offered \(Quantity.rate($0.bitsPerSecond)) of UDP \($0.name) arrived; "
                + (evidence.isLoopback
                    ? "a higher rate may be possible." : "the link may carry more than the requested rate.")
        }
    }

    static let loopback = VerdictRule(
        name: "loopback",
        limit: .thisMachine,
        condition: "the client's connection uses the interface lo"
    ) { evidence in
        evidence.isLoopback
            ? "Client and reflector share the processor of one machine: their own work is the limit." : nil
    }

    static let fasterUnderProbe = VerdictRule(
        name: "faster under the probe",
        limit: .inconclusive,
        condition: "the load of a latency test moved 1.5 times what the throughput test did in the same direction"
    ) { evidence in
        for flow in evidence.flows where flow.bitsPerSecond > 0 {
            let phase: BufferbloatResult.Phase = flow.direction == .down ? .download : .upload
            guard let load = evidence.bufferbloat?.phases.first(where: { $0.phase == phase }) else { continue }
            let rate = flow.direction == .down ? load.downBitsPerSecond : load.upBitsPerSecond
            guard let rate, rate >= flow.bitsPerSecond * Thresholds.unsteadyFactor else { continue }
            return
                "The throughput test moved \(Quantity.rate(flow.bitsPerSecond)) \(flow.name), and the load of the latency test "
                + "\(Quantity.rate(rate)): the rate is not steady, or other traffic used the link. Measure again."
        }
        return nil
    }

    static let tunnelFillsBothEnds = VerdictRule(
        name: "tunnel",
        limit: .tunnel,
        condition: "tunneled, and a processor is full at both ends in one direction"
    ) { evidence in
        evidence.flows.first {
            $0.mode == .tunneled && evidence.isFull(.client, in: $0) && evidence.isFull(.reflector, in: $0)
        }.map {
            "Encrypting and decrypting \($0.activity) took all the processor time that both programs could use "
                + "(\(Quantity.percent($0.clientCPUPercent)) here, \(Quantity.percent($0.serverCPUPercent)) there)."
        }
    }

    static let clientProcessor = processor(.client)
    static let reflectorProcessor = processor(.reflector)
    static let clientCard = card(.client)
    static let reflectorCard = card(.reflector)
    static let clientTraffic = traffic(.client)
    static let reflectorTraffic = traffic(.reflector)
    static let clientLoad = load(.client)
    static let reflectorLoad = load(.reflector)

    /// After the rules that look at the machines, which need no probes; before those that do.
    static let probesDropped = VerdictRule(
        name: "probes dropped",
        limit: .inconclusive,
        condition: "the reflector's own limit dropped more than half of the probes without load"
    ) { evidence in
        guard let latency = evidence.latency, latency.isMostlyRateLimited else { return nil }
        return
            "The reflector's own limit dropped \(Quantity.count(latency.rateLimited)) of \(Quantity.count(latency.sent)) "
            + "probes, so latency and loss of the link are unknown."
    }

    static let standingQueue = VerdictRule(
        name: "standing queue",
        limit: .link,
        condition: "the mean round trip grows by 30 ms or more under load"
    ) { evidence in
        let worst = evidence.bufferbloat?.phases.filter { $0.phase != .idle && $0.inconclusive == nil }
            .max { ($0.increaseMs ?? 0) < ($1.increaseMs ?? 0) }
        guard let worst, let increase = worst.increaseMs, increase >= Thresholds.standingQueueMs else { return nil }
        if evidence.isLoopback {
            return
                "The mean round trip grows by \(Quantity.milliseconds(increase)) \(worst.phase.underLoad): there is no link, so the probes "
                + "wait for this machine's processor and behind the load in its socket buffers."
        }
        return "A queue builds up in the link: the mean round trip grows by \(Quantity.milliseconds(increase)) "
            + "\(worst.phase.underLoad)."
    }

    static let packetLoss = VerdictRule(
        name: "packet loss",
        limit: .link,
        condition: "1 % or more of the probes or of the UDP packets were lost"
    ) { evidence in
        let subject = evidence.isLoopback ? "This machine loses packets on the way to itself" : "The link loses packets"
        if let latency = evidence.latency, latency.transport == .udp, latency.lossPercent >= Thresholds.lossPercent {
            return "\(subject): \(Quantity.percent(latency.lossPercent)) of the probes without load."
        }
        return evidence.flows.first { ($0.lossPercent ?? 0) >= Thresholds.lossPercent }.map {
            "\(subject): \(Quantity.percent($0.lossPercent)) of the UDP packets \($0.activity)."
        }
    }

    static let resentSegments = VerdictRule(
        name: "retransmits",
        limit: .link,
        condition: "0.1 % or more of the link's TCP segments were retransmitted"
    ) { evidence in
        evidence.flows.first { ($0.retransmitPercent ?? 0) >= Thresholds.resentPercent }.map {
            "TCP had to retransmit about \(Quantity.percent($0.retransmitPercent)) of its segments \($0.activity)."
        }
    }

    static let processorUnknown = VerdictRule(
        name: "processor unknown",
        limit: .inconclusive,
        condition: "for one of the machines neither processor time nor load is known"
    ) { evidence in
        switch (evidence.knowsProcessor(.client), evidence.knowsProcessor(.reflector)) {
        case (true, true): nil
        case (true, false): "It is not known how busy the reflector was, so it cannot be ruled out as the limit."
        case (false, true): "It is not known how busy this machine was, so it cannot be ruled out as the limit."
        case (false, false): "It is not known how busy the two machines were, so neither can be ruled out as the limit."
        }
    }

    static let headroom = VerdictRule(
        name: "headroom",
        limit: .link,
        condition: "no rule above found something at either machine, and both are known",
        isFallback: true
    ) { evidence in
        evidence.flows.isEmpty || !evidence.knowsProcessor(.client) || !evidence.knowsProcessor(.reflector)
            ? nil : "Both machines had processor time and network speed to spare."
    }

    // MARK: One rule for either machine

    private static func busiest(_ percent: Double?) -> String {
        percent.map { ", its busiest thread \(Quantity.percent($0))" } ?? ""
    }

    private static func processor(_ end: VerdictEvidence.End) -> VerdictRule {
        VerdictRule(
            name: "\(end.limit.rawValue) processor",
            limit: end.limit,
            condition:
                "one of its threads used 90 % or more of a core, or all used 90 % of every core; if threads were not counted, "
                + "its process used 90 % or more of one core per stream, up to its number of cores"
        ) { evidence in
            let machine = evidence[end]
            return evidence.flows.first { evidence.isFull(end, in: $0) }.map {
                "\(machine.name) had no processor time left \($0.activity): "
                    + "\(Quantity.percent($0.cpuPercent(end))) of one core\(busiest($0.threadPercent(end)))"
                    + ($0.mode == .tunneled ? ", part of it for encryption." : ".")
            }
        }
    }

    private static func card(_ end: VerdictEvidence.End) -> VerdictRule {
        VerdictRule(
            name: "\(end.limit.rawValue) network card",
            limit: end.limit,
            condition: "the rate is 90 % or more of its network card's speed"
        ) { evidence in
            let machine = evidence[end]
            guard let speed = machine.nicBitsPerSecond else { return nil }
            return evidence.flows.first { $0.bitsPerSecond >= speed * Thresholds.fullCardShare }.map {
                "\(machine.name) has a network card of \(Quantity.rate(speed)), and \(Quantity.rate($0.bitsPerSecond)) "
                    + "\($0.name) fill it."
            }
        }
    }

    private static func traffic(_ end: VerdictEvidence.End) -> VerdictRule {
        VerdictRule(
            name: "\(end.limit.rawValue) other traffic",
            limit: end.limit,
            condition: "before the test its interface carried 25 % or more of the measured rate in the same direction"
        ) { evidence in
            let machine = evidence[end]
            for flow in evidence.flows {
                guard let other = machine.background(flow.direction), flow.bitsPerSecond > 0,
                    other >= flow.bitsPerSecond * Thresholds.backgroundShare
                else { continue }
                return
                    "\(machine.name) already had \(Quantity.rate(other)) of other traffic \(flow.name) before the test."
            }
            return nil
        }
    }

    private static func load(_ end: VerdictEvidence.End) -> VerdictRule {
        VerdictRule(
            name: "\(end.limit.rawValue) load",
            limit: end.limit,
            condition: "its load before the test was 0.9 or more per core"
        ) { evidence in
            let machine = evidence[end]
            guard let load = machine.before?.cpuLoad, load.isFinite, load >= Thresholds.busyLoad else { return nil }
            return
                "\(machine.name) was busy before the test started: a load of \(Quantity.fixed(load, decimals: 2)) per core."
        }
    }
}
