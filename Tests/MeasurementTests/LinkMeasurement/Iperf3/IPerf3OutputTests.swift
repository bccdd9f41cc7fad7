internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct IPerf3OutputTests {
    private func result(
        _ json: String,
        _ role: IPerf3Output.Role = .client,
        mode: ThroughputResult.Mode = .directEphemeral
    ) throws(IPerf3Output.Failure) -> ThroughputResult {
        try IPerf3Output.result(Array(json.utf8), printedBy: role, mode: mode)
    }

    @Test func `a client that uploads knows both ends' counts`() throws {
        let result = try result(IPerf3Fixtures.tcpClient)
        let up = try #require(result[.up])
        #expect(result.directions.count == 1)
        #expect(result.engine == .iperf3)
        #expect(result.transport == .tcp)
        #expect(result.mode == .directEphemeral)
        #expect(result.streams == 1)
        #expect(up.bytesSent == 6_750_076_928)
        #expect(up.bytesReceived == 6_749_683_606)
        #expect(up.bitsPerSecond == 26_997_398_052.796387)
        #expect(up.retransmits == 36)
        #expect(up.durationSec == 2.000099)
        #expect(up.intervals.map(\.bytes) == [3_495_559_168, 3_254_517_760])
        #expect(up.intervals.map(\.retransmits) == [26, 10])
        #expect(result.clientCPUPercent == 96.40039189060236)
        #expect(result.serverCPUPercent == 42.72151439897966)
        #expect(result.notes.isEmpty)
    }

    @Test func `a server knows only its own end and its tail of microseconds is joined`() throws {
        let result = try result(IPerf3Fixtures.tcpServer, .server)
        let up = try #require(result[.up])
        #expect(up.bytesSent == nil)
        #expect(up.bitsPerSecondSent == nil)
        #expect(up.bytesReceived == 6_749_683_606)
        #expect(up.intervals.map(\.bytes) == [3_494_510_486, 3_254_910_976 + 262_144])
        #expect(up.intervals.last?.endSec == 2.000099)
        #expect(result.serverCPUPercent == 42.72151439897966)
        #expect(result.clientCPUPercent == nil)
    }

    @Test func `a reversed test is a download on both ends`() throws {
        let client = try result(IPerf3Fixtures.tcpReverseClient)
        let server = try result(IPerf3Fixtures.tcpReverseServer, .server)
        #expect(client.directions.map(\.direction) == [.down])
        #expect(server.directions.map(\.direction) == [.down])
        #expect(client.streams == 2)
        #expect(client[.down]?.bytesReceived == 6_352_469_963)
        #expect(client[.down]?.bytesSent == 6_359_613_440)
        #expect(server[.down]?.bytesSent == 6_359_613_440)
        #expect(server[.down]?.bytesReceived == nil)
        #expect(server[.down]?.retransmits == 19)
        #expect(client.clientCPUPercent == 41.720136491521174)
        #expect(client.serverCPUPercent == 99.7675441289294)
    }

    @Test func `a bidirectional test has both directions, each with its own intervals`() throws {
        let client = try result(IPerf3Fixtures.tcpBidirectionalClient)
        #expect(client.directions.map(\.direction) == [.up, .down])
        #expect(client[.up]?.bytesReceived == 2_663_251_968)
        #expect(client[.down]?.bytesReceived == 2_392_457_216)
        #expect(client[.down]?.bytesSent == 2_399_928_320)
        #expect(client[.up]?.intervals.first?.bytes == 1_315_962_880)
        #expect(client[.down]?.intervals.first?.bytes == 1_098_514_432)
        let server = try result(IPerf3Fixtures.tcpBidirectionalServer, .server)
        #expect(server[.up]?.bytesReceived == 2_663_251_968)
        #expect(server[.up]?.bytesSent == nil)
        #expect(server[.down]?.bytesSent == 2_399_928_320)
        #expect(server[.down]?.bytesReceived == nil)
    }

    @Test func `UDP brings jitter and loss of the receiver over all streams`() throws {
        let client = try result(IPerf3Fixtures.udpClient)
        let up = try #require(client[.up])
        #expect(client.transport == .udp)
        #expect(client.streams == 2)
        #expect(up.packets == 764)
        #expect(up.lostPackets == 0)
        #expect(up.lossPercent == 0)
        #expect(up.jitterMs == 0.06960713111851526)
        #expect(up.retransmits == nil)
        #expect(up.bitsPerSecondReceived == 100_113_729.28335595)
        let server = try result(IPerf3Fixtures.udpServer, .server)
        #expect(server[.up]?.bytesReceived == 25_034_752)
        #expect(server[.up]?.bytesSent == nil)
        #expect(server[.up]?.jitterMs == 0.06960713111851526)
    }

    @Test func `the sender of UDP does not know the receiver's jitter`() throws {
        let server = try result(IPerf3Fixtures.udpBidirectionalServer, .server)
        #expect(server[.up]?.jitterMs == 0.01800664274603583)
        #expect(server[.down]?.bytesSent == 5_013_504)
        #expect(server[.down]?.bytesReceived == nil)
        #expect(server[.down]?.jitterMs == nil)
        #expect(server[.down]?.lossPercent == nil)
        let client = try result(IPerf3Fixtures.udpBidirectionalClient)
        #expect(client[.down]?.jitterMs == 0.055787395818755664)
        #expect(client[.down]?.bytesReceived == 5_013_504)
    }

    @Test func `a refused connection is iperf3's own words`() {
        #expect(throws: IPerf3Output.Failure.reported("unable to connect to server: Connection refused")) {
            try result(IPerf3Fixtures.refused)
        }
    }

    @Test func `a test that was cut short keeps what it had and says so`() throws {
        let server = try result(IPerf3Fixtures.serverKilled, .server)
        #expect(server[.up]?.bytesReceived == 5_244_190_720)
        #expect(server.notes == ["iperf3 ended early: interrupt - the server has terminated"])
        let client = try result(IPerf3Fixtures.clientOfKilledServer)
        #expect(client[.up]?.bytesSent == 5_252_055_040)
        #expect(client[.up]?.bytesReceived == nil)
        #expect(client[.up]?.bitsPerSecond == client[.up]?.bitsPerSecondSent)
        #expect(client.serverCPUPercent == nil)
    }

    @Test func `both halves of one test merge to the same as the client's complete view`() throws {
        let client = try result(IPerf3Fixtures.tcpClient)
        let server = try result(IPerf3Fixtures.tcpServer, .server)
        let merged = ThroughputResult.merging(client: client, server: server)
        #expect(merged[.up]?.bytesSent == 6_750_076_928)
        #expect(merged[.up]?.bytesReceived == 6_749_683_606)
        #expect(merged[.up]?.retransmits == 36)
        #expect(merged[.up]?.intervals == server[.up]?.intervals)
        #expect(merged.clientCPUPercent == client.clientCPUPercent)
        #expect(merged.serverCPUPercent == server.serverCPUPercent)
    }

    @Test func `every truncation is refused with a reason and none traps`() {
        let bytes = Array(IPerf3Fixtures.tcpClient.utf8)
        for count in stride(from: 1, to: bytes.count, by: 7) {
            #expect(throws: IPerf3Output.Failure.self) {
                try IPerf3Output.result(Array(bytes[..<count]), printedBy: .client, mode: .tunneled)
            }
        }
    }

    @Test(arguments: [
        ("", "iperf3 printed nothing; was it killed, or is it another program?"),
        (
            "iperf3: error - unable\u{1B}[31m",
            "iperf3 printed “iperf3: error - unable?[31m” instead of JSON; is it version 3 or later?"
        ),
        ("{}", "iperf3's JSON contains no throughput; did the test end before it started?"),
        ("{\"end\":[]}", "iperf3's JSON contains no throughput; did the test end before it started?"),
        ("{\"a\":}", "iperf3's JSON of 6 bytes is incomplete or malformed; it was probably killed while it wrote"),
    ])
    func `output without a result says what it is`(output: String, message: String) {
        let failure = #expect(throws: IPerf3Output.Failure.self) { try result(output) }
        #expect(failure?.description == message)
    }

    @Test func `more than eight mebibytes are refused unread`() {
        #expect(throws: IPerf3Output.Failure.tooLarge(bytes: 8 * 1024 * 1024 + 1)) {
            try IPerf3Output.result(
                Array(repeating: UInt8(ascii: "{"), count: 8 * 1024 * 1024 + 1),
                printedBy: .client,
                mode: .tunneled
            )
        }
    }

    @Test func `nesting beyond what iperf3 writes is refused before it is decoded`() {
        let deep = "{\"a\":" + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "}"
        #expect(throws: IPerf3Output.Failure.truncated(bytes: deep.utf8.count)) { try result(deep) }
    }

    @Test func `a warning before the JSON and a second object after it are skipped`() throws {
        let noisy = "warning: something\n" + IPerf3Fixtures.tcpClient + "\n{\"error\":\"x\"}"
        let (found, clean) = (try result(noisy), try result(IPerf3Fixtures.tcpClient))
        #expect(found == clean)
    }

    @Test(arguments: [
        "-1", "1e400", "-1e400", "1e300", "9223372036854775808", "null", "\"NaN\"", "NaN", "[]", "{}", "true", "1e18",
    ])
    func `hostile numbers are dropped and never trap`(number: String) throws {
        let json = """
            {"start":{"test_start":{"protocol":"UDP","num_streams":\(number),"reverse":\(number)}},
            "intervals":[{"sum":{"start":0,"end":1,"bytes":\(number),"bits_per_second":\(number),"retransmits":\(number)}},
            {"sum":{"start":\(number),"end":\(number),"bytes":1,"bits_per_second":1}},7,null,"x",[]],
            "end":{"sum_sent":{"bytes":\(number),"bits_per_second":\(number),"seconds":\(number),"retransmits":\(number)},
            "sum_received":{"bytes":\(number),"seconds":\(number),"bits_per_second":\(number),"jitter_ms":\(number),
            "lost_packets":\(number),"packets":\(number),"lost_percent":\(number)},
            "cpu_utilization_percent":{"host_total":\(number),"remote_total":\(number)}}}
            """
        guard let result = try? result(json) else { return }
        for direction in result.directions {
            #expect(direction.durationSec.isFinite && direction.durationSec >= 0)
            #expect((direction.bitsPerSecond ?? 0).isFinite && (direction.bitsPerSecond ?? 0) >= 0)
            #expect((direction.bytesReceived ?? 0) >= 0)
            #expect((direction.lossPercent ?? 0) <= 100)
            #expect(direction.intervals.allSatisfy { $0.bytes >= 0 && $0.endSec >= $0.startSec })
        }
        #expect((1...128).contains(result.streams))
        // What is left can always be written and drawn.
        #expect(try !JSONText.pretty(result).isEmpty)
        #expect(!TextReport().text(result).contains("nan"))
        _ = ThroughputResult.merging(client: result, server: result)
    }

    @Test func `an output with more intervals than are kept is coarsened, not refused`() throws {
        let interval = (0..<20_000).map {
            "{\"sum\":{\"start\":\($0),\"end\":\($0 + 1),\"bytes\":1000,\"bits_per_second\":8000}}"
        }
        let json = "{\"intervals\":[\(interval.joined(separator: ","))]}"
        let up = try #require(try result(json)[.up])
        #expect(up.intervals.count <= ThroughputBounds.intervals)
        #expect(up.intervals.reduce(0) { $0 + $1.bytes } == IPerf3Output.mostIntervals * 1000)
        #expect(up.intervals.allSatisfy { $0.bitsPerSecond == 8000 })
    }
}
