internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct ThroughputResultTests {
    private func half(_ direction: ThroughputDirection, cpu: (Double?, Double?) = (nil, nil)) -> ThroughputResult {
        ThroughputResult(
            engine: .native,
            transport: .tcp,
            mode: .tunneled,
            streams: 2,
            directions: [direction],
            clientCPUPercent: cpu.0,
            serverCPUPercent: cpu.1
        )
    }

    @Test func `the sender's sent bytes and the receiver's received bytes make one result`() throws {
        let interval = ThroughputInterval(startSec: 0, endSec: 1, bytes: 990)
        let client = half(
            ThroughputDirection(
                direction: .up,
                bytesSent: 1000,
                durationSec: 1,
                bitsPerSecondSent: 8000,
                retransmits: 3,
                intervals: [ThroughputInterval(startSec: 0, endSec: 1, bytes: 1000)]
            ),
            cpu: (20, nil)
        )
        let server = half(
            ThroughputDirection(
                direction: .up,
                bytesReceived: 990,
                durationSec: 1.01,
                bitsPerSecondReceived: 7841,
                jitterMs: 0.5,
                intervals: [interval]
            ),
            cpu: (nil, 30)
        )
        let merged = ThroughputResult.merging(client: client, server: server)
        let up = try #require(merged[.up])
        #expect(up.bytesSent == 1000)
        #expect(up.bytesReceived == 990)
        #expect(up.bitsPerSecond == 7841)
        #expect(up.durationSec == 1.01)
        #expect(up.retransmits == 3)
        #expect(up.jitterMs == 0.5)
        #expect(up.intervals == [interval])
        #expect(merged.clientCPUPercent == 20)
        #expect(merged.serverCPUPercent == 30)
    }

    @Test func `for a download the server is the sender`() {
        let client = half(
            ThroughputDirection(direction: .down, bytesReceived: 50, durationSec: 1, bitsPerSecondReceived: 400)
        )
        let server = half(
            ThroughputDirection(direction: .down, bytesSent: 60, durationSec: 1, bitsPerSecondSent: 480, retransmits: 1)
        )
        let down = ThroughputResult.merging(client: client, server: server)[.down]
        #expect(down?.bytesSent == 60)
        #expect(down?.bytesReceived == 50)
        #expect(down?.bitsPerSecond == 400)
        #expect(down?.retransmits == 1)
    }

    @Test func `a server that claims to have received more than was sent is not believed`() {
        let client = half(ThroughputDirection(direction: .up, bytesSent: 1000, durationSec: 1, bitsPerSecondSent: 8000))
        let server = half(
            ThroughputDirection(direction: .up, bytesReceived: 1_000_000, durationSec: 1, bitsPerSecondReceived: 8e6)
        )
        let merged = ThroughputResult.merging(client: client, server: server)
        #expect(merged[.up]?.bitsPerSecond == 8000)
        #expect(merged[.up]?.bytesReceived == nil)
        #expect(merged.notes.count == 1)
    }

    @Test func `what this client received stands, whatever a reflector claims to have sent`() {
        let client = half(
            ThroughputDirection(direction: .down, bytesReceived: 1_000_000, durationSec: 1, bitsPerSecondReceived: 8e6)
        )
        let server = half(
            ThroughputDirection(
                direction: .down,
                bytesSent: 1000,
                durationSec: 1,
                bitsPerSecondSent: 9e9,
                retransmits: 1
            )
        )
        let merged = ThroughputResult.merging(client: client, server: server)
        #expect(merged[.down]?.bytesReceived == 1_000_000 && merged[.down]?.bitsPerSecond == 8e6)
        #expect(merged[.down]?.bytesSent == nil && merged[.down]?.bitsPerSecondSent == nil)
        #expect(merged.notes.count == 1)
    }

    /// An upload of 1 MB in 10 s, and what a reflector says of it.
    private func upload(_ bytes: Int?, _ rate: Double?, _ duration: Double, silent: Double? = nil)
        -> ThroughputDirection?
    {
        var client = half(
            ThroughputDirection(direction: .up, bytesSent: 1_000_000, durationSec: 10, bitsPerSecondSent: 8e5)
        )
        client.askedSec = 10
        let server = half(
            ThroughputDirection(
                direction: .up,
                bytesReceived: bytes,
                durationSec: duration,
                bitsPerSecondReceived: rate,
                silentSinceSec: silent
            )
        )
        return ThroughputResult.merging(client: client, server: server)[.up]
    }

    @Test func `an upload's rate is that of the bytes and the time that the reflector tells`() {
        #expect(upload(1000, 9e12, 10)?.bitsPerSecond == 800)
        #expect(upload(800_000, 1, 8)?.bitsPerSecond == 800_000)
        #expect(upload(800_000, nil, 8)?.bitsPerSecond == 800_000)
        // Without bytes there is no rate.
        #expect(upload(nil, 9e12, 10)?.bitsPerSecond == 8e5)
        // A rate with fewer digits stays.
        #expect(upload(800_000, 800_001, 8)?.bitsPerSecond == 800_001)
    }

    @Test func `a time of an upload that is far from the test's is not believed`() {
        for duration in [1e-9, 0, 0.5, 31, 80_000] {
            let up = upload(1000, 9e12, duration)
            #expect(up?.durationSec == 10 && up?.bitsPerSecond == 800, "\(duration)")
        }
        for duration in [1.5, 9.9, 12, 29] {
            #expect(upload(1000, nil, duration)?.durationSec == duration)
        }
    }

    @Test func `silence beyond the end of a test is none`() {
        #expect(upload(1000, nil, 10, silent: 5000)?.silentSinceSec == nil)
        #expect(upload(1000, nil, 10, silent: 4)?.silentSinceSec == 4)
    }

    @Test func `a direction that only one end reports is kept`() {
        let client = half(ThroughputDirection(direction: .up, bytesSent: 10, durationSec: 1, bitsPerSecondSent: 80))
        let server = half(ThroughputDirection(direction: .down, bytesSent: 20, durationSec: 1, bitsPerSecondSent: 160))
        let merged = ThroughputResult.merging(client: client, server: server)
        #expect(merged.directions.map(\.direction) == [.up, .down])
        #expect(merged[.down]?.bitsPerSecond == 160)
    }

    @Test func `merging sums at the edge of the integers does not trap`() {
        var direction = ThroughputDirection(
            direction: .up,
            bytesSent: .max,
            bytesReceived: .min,
            durationSec: .infinity
        )
        direction.intervals = (0..<5000).map {
            ThroughputInterval(
                startSec: Double($0),
                endSec: Double($0) + 1,
                bytes: ThroughputBounds.bytes,
                retransmits: .max
            )
        }
        let merged = ThroughputResult.merging(client: half(direction), server: half(direction))
        #expect(merged[.up]?.bytesSent == nil)
        #expect(merged[.up]?.durationSec == 0)
        #expect((merged[.up]?.intervals.count ?? 0) <= ThroughputBounds.intervals)
    }

    @Test func `the wire form has these keys and units`() throws {
        let result = ThroughputResult(
            engine: .iperf3,
            transport: .udp,
            mode: .directEphemeral,
            streams: 1,
            directions: [
                ThroughputDirection(
                    direction: .down,
                    bytesSent: 1,
                    bytesReceived: 2,
                    durationSec: 1.5,
                    bitsPerSecondSent: 3,
                    bitsPerSecondReceived: 4,
                    retransmits: 5,
                    jitterMs: 0.25,
                    packets: 6,
                    lostPackets: 7,
                    lossPercent: 8,
                    intervals: [ThroughputInterval(startSec: 0, endSec: 1, bytes: 9, bitsPerSecond: 72, retransmits: 1)]
                )
            ],
            clientCPUPercent: 12.5,
            serverCPUPercent: 25
        )
        #expect(
            try JSONText.line(result) == """
                {"client_cpu_percent":12.5,"directions":[{"direction":"down","duration_sec":1.5,"intervals":[{"end_sec":1,\
                "moved_bytes":9,"rate_bps":72,"retransmits":1,"start_sec":0}],"jitter_ms":0.25,"loss_percent":8,\
                "lost_packets":7,"packets":6,"received_bps":4,"received_bytes":2,"retransmits":5,"sent_bps":3,\
                "sent_bytes":1}],"engine":"iperf3","mode":"direct_ephemeral","notes":[],"protocol":"udp",\
                "server_cpu_percent":25,"streams":1}
                """
        )
    }
}

/// An upload whose receiver was ended before it could tell what it had received.
struct CutUploadTests {
    private var cut: ThroughputResult {
        var result = Specimen.throughput(.up, rate: 80e6)
        result.directions[0].bytesReceived = nil
        result.directions[0].bitsPerSecondReceived = nil
        return result
    }

    @Test func `shows what the reflector counted, not what the sender handed to its kernel`() throws {
        var result = cut
        result.fillUpload(received: 60_000_000)
        let up = try #require(result[.up])
        #expect(up.bytes == 60_000_000 && up.bytesSent == 100_000_000)
        #expect(up.bitsPerSecond == 48e6)
    }

    @Test func `keeps the sender's figures when the count is none or cannot be`() {
        for count in [0, -1, 103_000_000, Int.max] {
            var result = cut
            result.fillUpload(received: count)
            #expect(result == cut, "\(count)")
        }
        var whole = Specimen.throughput(.up, rate: 80e6)
        whole.fillUpload(received: 5)
        #expect(whole == Specimen.throughput(.up, rate: 80e6))
        var download = Specimen.throughput(.down, rate: 80e6)
        download.fillUpload(received: 5)
        #expect(download == Specimen.throughput(.down, rate: 80e6))
    }
}
