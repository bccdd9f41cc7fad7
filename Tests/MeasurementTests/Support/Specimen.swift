internal import Operations

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// An examination of two machines at ease, with round figures, for tests to change.
enum Specimen {
    static func throughput(_ direction: ThroughputDirection.Direction, rate: Double) -> ThroughputResult {
        let bytes = Int(rate / 8 * 10)
        return ThroughputResult(
            engine: .native,
            transport: .tcp,
            mode: .directEphemeral,
            streams: 4,
            directions: [
                ThroughputDirection(
                    direction: direction,
                    bytesSent: bytes,
                    bytesReceived: bytes,
                    durationSec: 10,
                    bitsPerSecondSent: rate,
                    bitsPerSecondReceived: rate,
                    retransmits: 0,
                    intervals: (0..<2).map {
                        ThroughputInterval(
                            startSec: Double($0) * 5,
                            endSec: Double($0 + 1) * 5,
                            bytes: bytes / 2,
                            retransmits: 0
                        )
                    }
                )
            ],
            clientCPUPercent: 10,
            serverCPUPercent: 12
        )
    }

    static let path = PathMetadata(
        cpuLoad: 0.1,
        memoryUsedMB: 500,
        memoryTotalMB: 2000,
        loadAverage: [0.2, 0.1, 0.05],
        mtu: 1500,
        interface: "eth0",
        receivedBytesPerSec: 1000,
        sentBytesPerSec: 1000,
        timeSynced: true,
        clockErrorUs: 900,
        buildVersion: "1.0.0",
        buildHash: "abcdef"
    )

    static let latency = LatencyAnalysis.result(
        samples: (0..<40).map { index in
            let sent = UInt64(index) * 50_000_000
            return ProbeSample(
                sequence: UInt64(index),
                sentNs: sent,
                receivedNs: index == 7 ? nil : sent + 10_000_000 + UInt64(index % 5) * 1_000_000,
                serverReceivedNs: sent + 5_000_000,
                serverSentNs: sent + 5_020_000
            )
        },
        counters: ProbeCounters(received: 40, reordered: 0, highestSequence: 39),
        transport: .udp,
        intervalMs: 50,
        payloadBytes: 64
    )

    static var bufferbloat: BufferbloatResult {
        func shifted(by milliseconds: Double) -> LatencyResult {
            LatencyAnalysis.result(
                samples: (0..<30).map { index in
                    let sent = UInt64(index) * 50_000_000
                    return ProbeSample(
                        sequence: UInt64(index),
                        sentNs: sent,
                        receivedNs: sent + UInt64((10 + milliseconds) * 1e6)
                    )
                },
                counters: nil,
                transport: .udp,
                intervalMs: 50,
                payloadBytes: 64
            )
        }
        return BufferbloatAnalysis.result([
            .init(phase: .idle, latency: shifted(by: 0)),
            .init(phase: .download, latency: shifted(by: 12), downBitsPerSecond: 88e6),
            .init(phase: .upload, latency: shifted(by: 70), upBitsPerSecond: 17e6),
        ])
    }

    static var calm: Examination {
        Examination(
            id: "7d1e9c7a-0f53-4a0f-9a50-2f3f1f0c5e11",
            startedAt: Timestamp(unixMilliseconds: 1_795_228_369_120),
            finishedAt: Timestamp(unixMilliseconds: 1_795_228_430_000),
            client: ExaminedMachine(
                name: "home",
                id: "PP-HOME",
                address: "192.0.2.1",
                version: "1.0.0",
                cores: 4,
                nicBitsPerSecond: 1e9,
                pathBefore: path,
                pathAfter: path
            ),
            reflector: ExaminedMachine(
                name: "vps",
                id: "PP-VPS",
                address: "192.0.2.2:4000",
                version: "1.0.0",
                cores: 2,
                pathBefore: path,
                pathAfter: path
            ),
            mode: .directEphemeral,
            download: throughput(.down, rate: 90e6),
            upload: throughput(.up, rate: 18e6)
        )
    }

    /// All parts present.
    static var whole: Examination {
        var examination = calm
        examination.latency = latency
        examination.bufferbloat = bufferbloat
        examination.verdict = Verdict(on: examination)
        return examination
    }
}
