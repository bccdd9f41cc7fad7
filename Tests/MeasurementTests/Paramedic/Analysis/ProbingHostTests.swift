internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("What this machine did to probes")
struct ProbingHostTests {
    private func result(_ host: ProbingHost, received: Int = 90, counters: ProbeCounters? = nil) -> LatencyResult {
        LatencyAnalysis.result(
            samples: (0..<100).map { index in
                let sent = UInt64(index) * 10_000_000
                return ProbeSample(
                    sequence: UInt64(index),
                    sentNs: sent,
                    receivedNs: index < received ? sent + 1_000_000 : nil
                )
            },
            counters: counters,
            transport: .udp,
            intervalMs: 10,
            payloadBytes: 64,
            host: host
        )
    }

    @Test func `replies that this machine dropped are no loss of the link`() {
        var host = ProbingHost()
        host.kernelDrops = 7
        let counters = ProbeCounters(received: 98, reordered: 0, highestSequence: 99)
        let result = result(host, counters: counters)
        #expect(result.lost == 3 && result.lostUp == 2 && result.lostDown == 1)
        #expect(result.kernelDrops == 7)
        host.kernelDrops = 70
        #expect(self.result(host, counters: counters).lost == 0)
    }

    @Test func `each is in text, HTML and JSON, and nothing is where nothing happened`() throws {
        #expect(result(ProbingHost()).hostWords.isEmpty)
        var host = ProbingHost()
        (host.notSent, host.sendError) = (201, "network is unreachable")
        (host.tooLarge, host.pathMTU, host.skipped, host.inFlight) = (3, 1_000, 4, 5)
        (host.kernelDrops, host.strays, host.refusals) = (6, 7, 8)
        let result = result(host)
        // However its lines are broken.
        let text = TextReport(style: TextStyle(columns: 120)).text(result).split { " \n".contains($0) }.joined(
            separator: " "
        )
        let json = try JSONText.pretty(result)
        #expect(text.contains("201 of 301 probes could not leave this machine (network is unreachable)"), "\(text)")
        #expect(result.hostWords.count == 7)
        for words in result.hostWords { #expect(text.contains(words)) }
        for key in [
            "not_sent", "send_error", "too_large", "path_mtu", "skipped", "in_flight", "kernel_drops", "strays",
            "refusals",
        ] {
            #expect(json.contains("\"\(key)\""))
        }
        #expect(result.isDistortedByHost)
    }
}
