internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// Each rule alone, on an examination in which nothing else stands out.
struct VerdictTests {
    private func verdict(_ change: (inout Examination) -> Void) -> Verdict {
        var examination = Specimen.calm
        change(&examination)
        return Verdict(on: examination)
    }

    @Test func `with both machines at ease the link is the limit`() {
        let verdict = verdict { _ in }
        #expect(verdict.limit == .link)
        #expect(verdict.sentence == "The link is the limit: it carries 90.0 Mbit/s down and 18.0 Mbit/s up.")
        #expect(verdict.reasons == ["Both machines had processor time and network speed to spare."])
        #expect(verdict.grade == nil)
    }

    @Test func `no throughput is inconclusive`() {
        let verdict = verdict {
            $0.download = nil
            $0.upload?.directions = []
        }
        #expect(verdict.limit == .inconclusive)
        #expect(verdict.sentence == "The link could not be judged.")
        #expect(verdict.reasons == ["No throughput was measured."])
    }

    @Test func `a test below a second is inconclusive`() {
        let verdict = verdict { $0.download?.directions[0].durationSec = 0.4 }
        #expect(verdict.limit == .inconclusive)
        #expect(verdict.reasons.first == "The test down lasted only 0.4 s; at least one second is needed.")
    }

    @Test func `a processor that was full for less than a second decides nothing`() {
        let verdict = verdict {
            $0.download?.directions[0].durationSec = 0.4
            $0.download?.clientCPUPercent = 100
            $0.download?.clientThreadPercent = 100
        }
        #expect(verdict.limit == .inconclusive)
        #expect(verdict.reasons.first == "The test down lasted only 0.4 s; at least one second is needed.")
        #expect(!verdict.reasons.contains { $0.contains("no processor time left") })
    }

    @Test func `UDP that all arrived says nothing about the limit`() {
        func offered(sent: Double) -> Verdict {
            verdict {
                $0.download?.transport = .udp
                $0.download?.directions[0].bitsPerSecondSent = sent
                $0.download?.directions[0].bitsPerSecondReceived = 90e6
            }
        }
        #expect(offered(sent: 90.1e6).limit == .inconclusive)
        #expect(offered(sent: 99e6).limit == .link)
    }

    @Test func `a full processor at both ends of a tunnel is the tunnel`() {
        let verdict = verdict {
            $0.download?.mode = .tunneled
            $0.download?.streams = 1
            $0.download?.clientCPUPercent = 96
            $0.download?.serverCPUPercent = 99
        }
        #expect(verdict.limit == .tunnel)
        #expect(verdict.sentence.contains("measure in direct mode"))
        #expect(verdict.reasons.first?.contains("(96.0 % here, 99.0 % there)") == true)
        #expect(!verdict.reasons.contains("Both machines had processor time and network speed to spare."))
    }

    @Test func `a full processor at one end is that machine`() {
        #expect(
            verdict {
                $0.upload?.streams = 1; $0.upload?.clientCPUPercent = 91
            }.limit == .thisMachine
        )
        #expect(
            verdict {
                $0.upload?.streams = 1; $0.upload?.clientCPUPercent = 89
            }.limit == .link
        )
        #expect(
            verdict {
                $0.upload?.streams = 1; $0.upload?.serverCPUPercent = 91
            }.limit == .reflector
        )
    }

    @Test func `several streams may use several cores before a processor is full`() {
        #expect(
            verdict {
                $0.upload?.streams = 4; $0.upload?.serverCPUPercent = 170
            }.limit == .link
        )
        // The reflector has two cores.
        #expect(
            verdict {
                $0.upload?.streams = 4; $0.upload?.serverCPUPercent = 181
            }.limit == .reflector
        )
        // iperf3 has one thread whatever the number of streams.
        let iperf3 = verdict {
            $0.upload?.engine = .iperf3
            $0.upload?.streams = 4
            $0.upload?.serverCPUPercent = 95
        }
        #expect(iperf3.limit == .reflector)
    }

    @Test func `a machine is the limit when one of its threads is, and not for what several have used together`() {
        func measured(_ process: Double, thread: Double) -> Verdict.Limit {
            verdict {
                $0.upload?.streams = 1
                $0.upload?.clientCPUPercent = process
                $0.upload?.clientThreadPercent = thread
            }.limit
        }
        #expect(measured(120, thread: 60) == .link)
        #expect(measured(95, thread: 92) == .thisMachine)
    }

    @Test func `a network card that is full is its machine's limit`() {
        let verdict = verdict { $0.client.nicBitsPerSecond = 100e6 }
        #expect(verdict.limit == .thisMachine)
        #expect(verdict.reasons.first == "This machine has a network card of 100 Mbit/s, and 90.0 Mbit/s down fill it.")
        #expect(self.verdict { $0.client.nicBitsPerSecond = 101e6 }.limit == .link)
        #expect(self.verdict { $0.reflector.nicBitsPerSecond = 100e6 }.limit == .reflector)
        #expect(self.verdict { $0.reflector.nicBitsPerSecond = -1 }.limit == .link)
    }

    @Test func `other traffic before the test counts in its own direction`() {
        // A quarter of 90 Mbit/s down is 2.8 MB/s; a quarter of 18 Mbit/s up is 0.56 MB/s.
        #expect(verdict { $0.client.pathBefore?.receivedBytesPerSec = 2_900_000 }.limit == .thisMachine)
        #expect(verdict { $0.client.pathBefore?.receivedBytesPerSec = 2_700_000 }.limit == .link)
        #expect(verdict { $0.client.pathBefore?.sentBytesPerSec = 600_000 }.limit == .thisMachine)
        #expect(verdict { $0.reflector.pathBefore?.sentBytesPerSec = 2_900_000 }.limit == .reflector)
        #expect(verdict { $0.reflector.pathBefore?.receivedBytesPerSec = 2_700_000 }.limit == .reflector)
        #expect(verdict { $0.reflector.pathBefore?.receivedBytesPerSec = .infinity }.limit == .link)
    }

    @Test func `a machine that was busy before is its own limit`() {
        #expect(verdict { $0.client.pathBefore?.cpuLoad = 0.9 }.limit == .thisMachine)
        #expect(verdict { $0.client.pathBefore?.cpuLoad = 0.89 }.limit == .link)
        #expect(verdict { $0.reflector.pathBefore?.cpuLoad = 3 }.limit == .reflector)
        #expect(verdict { $0.reflector.pathBefore?.cpuLoad = .nan }.limit == .link)
    }

    @Test func `a standing queue is the link's, even when nothing is known of the machines`() {
        func queue(_ increase: Double, fault: String? = nil) -> Verdict {
            verdict {
                $0.client.pathBefore = nil
                $0.download?.clientCPUPercent = nil
                $0.bufferbloat = BufferbloatResult(
                    transport: .udp,
                    phases: [
                        BufferbloatPhase(
                            phase: .upload,
                            latency: Specimen.latency,
                            increaseMs: increase,
                            inconclusive: fault
                        )
                    ],
                    inconclusive: fault
                )
            }
        }
        #expect(queue(30).limit == .link)
        #expect(
            queue(30).reasons.first
                == "A queue builds up in the link: the mean round trip grows by 30.0 ms while uploading."
        )
        #expect(queue(29).limit == .inconclusive)
        #expect(queue(300, fault: "no load").limit == .inconclusive)
    }

    @Test func `loss is the link's, unless the probes ran inside TLS`() {
        func lossy(_ percent: Double, _ transport: LatencyResult.Transport) -> [String] {
            verdict {
                $0.latency = Specimen.latency
                $0.latency?.lossPercent = percent
                $0.latency?.transport = transport
            }.reasons
        }
        #expect(lossy(1, .udp).first == "The link loses packets: 1.0 % of the probes without load.")
        #expect(lossy(0.9, .udp).first?.hasPrefix("Both") == true)
        #expect(lossy(50, .tunneled).first?.hasPrefix("Both") == true)
        let udp = verdict {
            $0.upload?.transport = .udp
            $0.upload?.directions[0].lossPercent = 3
            $0.upload?.directions[0].bitsPerSecondSent = 20e6
        }
        #expect(udp.reasons.first == "The link loses packets: 3.0 % of the UDP packets while uploading.")
    }

    @Test func `retransmits are the link's, unless they are those of a loopback hop`() {
        func resent(_ engine: ThroughputResult.Engine, _ mode: ThroughputResult.Mode) -> String? {
            verdict {
                $0.upload?.engine = engine
                $0.upload?.mode = mode
                $0.upload?.directions[0].bytesSent = 14_480_000
                $0.upload?.directions[0].retransmits = 20
            }.reasons.first
        }
        let sentence = "TCP had to retransmit about 0.20 % of its segments while uploading."
        #expect(resent(.native, .tunneled) == sentence)
        #expect(resent(.iperf3, .directEphemeral) == sentence)
        #expect(resent(.iperf3, .tunneled)?.hasPrefix("Both") == true)
    }

    @Test func `a machine of which nothing is known cannot be ruled out`() {
        let verdict = verdict {
            $0.reflector.pathBefore = nil
            $0.download?.serverCPUPercent = nil
        }
        #expect(verdict.limit == .inconclusive)
        #expect(verdict.sentence.hasPrefix("The link carries at least 90.0 Mbit/s down"))
        #expect(
            verdict.reasons == ["It is not known how busy the reflector was, so it cannot be ruled out as the limit."]
        )
    }

    @Test(arguments: [
        ("small MTU", "This machine sends packets of at most 1420 bytes"),
        ("uneven MTU", "The largest packets differ: 9000 bytes here, 1500 at the reflector."),
        ("clock", "This machine has a clock that is not synchronized"),
        ("clock error", "The reflector has a clock that may be off by 250 ms."),
        ("memory", "The reflector has 97.0 % of its memory in use"),
        ("turnaround", "The reflector itself takes 2.00 ms to answer a probe"),
        ("grade", "Latency under load is graded B, measured inside TLS."),
        ("no grade", "Latency under load has no grade: too quiet."),
    ])
    func `an observation is a reason but does not change the verdict`(case name: String, sentence: String) {
        let verdict = verdict {
            switch name {
            case "small MTU":
                $0.client.pathBefore?.mtu = 1420
                $0.reflector.pathBefore?.mtu = nil
            case "uneven MTU": $0.client.pathBefore?.mtu = 9000
            case "clock": $0.client.pathBefore?.timeSynced = false
            case "clock error": $0.reflector.pathBefore?.clockErrorUs = 250_000
            case "memory": $0.reflector.pathBefore?.memoryUsedMB = 1940
            case "turnaround":
                $0.latency = Specimen.latency
                $0.latency?.lossPercent = 0
                $0.latency?.reflectorTurnaround = Distribution(of: [2])
            case "grade":
                $0.bufferbloat = BufferbloatResult(transport: .tunneled, phases: [], grade: .b)
            default:
                $0.bufferbloat = BufferbloatResult(transport: .udp, phases: [], inconclusive: "too quiet")
            }
        }
        #expect(verdict.limit == .link)
        #expect(verdict.reasons.count == 2)
        #expect(verdict.reasons.last?.hasPrefix(sentence) == true)
    }

    @Test func `an unknown clock is not called wrong`() {
        let verdict = verdict {
            $0.client.pathBefore?.timeSynced = nil
            $0.reflector.pathBefore?.timeSynced = nil
        }
        #expect(verdict.reasons.count == 1)
    }

    @Test func `every rule has a name and a condition of its own`() {
        #expect(VerdictRule.table.allSatisfy { !$0.name.isEmpty && !$0.condition.isEmpty })
        #expect(Set(VerdictRule.table.compactMap(\.limit)) == Set(Verdict.Limit.allCases))
    }
}

/// Both ends on one machine: whatever is found is not the link's.
struct LoopbackVerdictTests {
    private func verdict(_ change: (inout Examination) -> Void = { _ in }) -> Verdict {
        var examination = Specimen.whole
        examination.client.pathBefore?.interface = "lo"
        change(&examination)
        return Verdict(on: examination)
    }

    @Test func `there is no verdict on a link where there is none`() {
        let verdict = verdict()
        #expect(verdict.limit == .thisMachine)
        #expect(
            verdict.sentence
                == "Both ends are on this machine, which moves 90.0 Mbit/s down and 18.0 Mbit/s up to itself; "
                + "no link was measured."
        )
        let grown = verdict.reasons.filter { $0.contains("The mean round trip grows by") }
        #expect(grown.count == 1 && grown[0].hasSuffix("behind the load in its socket buffers."))
        #expect(!verdict.reasons.contains { $0.contains("in the link") || $0.hasPrefix("The link") })
    }

    @Test func `packets that are lost, and a part that is missing, are not the link's either`() {
        let lossy = verdict { $0.latency?.lossPercent = 5 }
        #expect(lossy.reasons.contains { $0.hasPrefix("This machine loses packets on the way to itself: 5.0 %") })
        let incomplete = verdict { $0.notMeasured = [UnmeasuredPart(part: "upload", reason: "denied")] }
        #expect(incomplete.limit == .inconclusive)
        #expect(incomplete.sentence.hasSuffix("no link was measured."))
    }
}
