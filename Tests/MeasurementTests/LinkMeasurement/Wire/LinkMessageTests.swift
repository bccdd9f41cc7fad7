internal import Foundation
internal import Identity
internal import NIOCore
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Messages of Paramedic Link")
struct LinkMessageTests {
    /// Texts that the reflector reads, each in the message that carries it, and the most bytes it may have.
    static let texts: [(String, String, Int)] = [
        ("version", #"{"type":"hello","features":[],"version":"TEXT"}"#, 32),
        ("token", #"{"type":"pair_request","token":"TEXT"}"#, 128),
        ("label", #"{"type":"pair_request","token":"t","label":"TEXT"}"#, 1_024),
        ("test_id", #"{"type":"session_close","test_id":"TEXT"}"#, 128),
        ("test_id", #"{"type":"get_result","test_id":"TEXT"}"#, 128),
        ("test_id", #"{"type":"tunnel_open","test_id":"TEXT","token":"t"}"#, 128),
        ("token", #"{"type":"tunnel_open","test_id":"i","token":"TEXT"}"#, 128),
        (
            "iperf3_version",
            #"{"type":"session_request","test_type":"throughput","params":{"duration_sec":1,"iperf3_version":"TEXT"}}"#,
            128
        ),
    ]

    @Test(arguments: texts)
    func `a text that is longer in bytes than it may be is refused without a word of it`(
        field: String,
        message: String,
        limit: Int
    ) throws {
        for letter in ["Q", "\u{301}"] {
            let count = limit / letter.utf8.count
            for (extra, isGood) in [(0, true), (1, false), (200_000, false)] {
                let text = String(repeating: letter, count: count + extra)
                let frame = #"{"request_id":"r","payload":\#(message.replacing("TEXT", with: text))}"#
                switch LinkEnvelope.read(ByteBuffer(string: frame)) {
                case .success: #expect(isGood, "\(field) of \(text.utf8.count) bytes")
                case .failure(let error):
                    #expect(!isGood, "\(field) of \(text.utf8.count) bytes: \(error.message)")
                    #expect(error.requestID == "r")
                    let words = "\(field): too long: must be at most \(limit) bytes"
                    #expect(error.message.hasSuffix(words), "\(error.message.prefix(200))")
                }
            }
        }
    }

    @Test func `names of features that are too long for any of ours are passed over`() throws {
        let long = String(repeating: "\u{301}", count: 100_000)
        let frame = #"{"request_id":"r","payload":{"type":"hello","version":"1.0","features":["\#(long)","native"]}}"#
        let envelope = try LinkEnvelope.read(ByteBuffer(string: frame)).get()
        #expect(envelope.payload == .hello(Hello(version: "1.0", features: ["native"])))
    }

    static let id = IdentityKey(seed: [UInt8](repeating: 1, count: 32))?.endpointID ?? IdentityKey().endpointID

    /// Every message with its golden JSON, keys sorted.
    static let golden: [(LinkMessage, String)] = [
        (.hello(Hello(features: ["native"])), #"{"features":["native"],"type":"hello","version":"1.0"}"#),
        (
            .serverHello(
                ServerHello(
                    version: "1.0",
                    features: [],
                    policySummary: PolicySummary(
                        maxTestDurationSec: 60,
                        maxConcurrentTests: 1,
                        maxTestsPerHour: 10,
                        allowedTestTypes: ["throughput", "udp_echo"]
                    ),
                    networkPosition: .wan
                )
            ),
            #"{"features":[],"network_position":"wan","policy_summary":{"allowed_test_types":["throughput","udp_echo"],"max_concurrent_tests":1,"max_test_duration_sec":60,"max_tests_per_hour":10},"type":"server_hello","version":"1.0"}"#
        ),
        (.pairRequest(PairRequest(token: "t", label: "l")), #"{"label":"l","token":"t","type":"pair_request"}"#),
        (
            .pairResponse(PairResponse(success: true, message: "paired", endpointID: id)),
            #"{"endpoint_id":"\#(id)","message":"paired","success":true,"type":"pair_response"}"#
        ),
        (
            .sessionRequest(
                SessionRequest(
                    testType: .throughput,
                    params: SessionParameters(
                        durationSec: 10,
                        transport: .udp,
                        streams: 4,
                        reverse: true,
                        bidirectional: false,
                        bitrateBps: 1_000_000,
                        engine: .iperf3,
                        mode: .directEphemeral,
                        latencyProbe: true,
                        waitSec: 5
                    )
                )
            ),
            #"{"params":{"bidirectional":false,"bitrate_bps":1000000,"duration_sec":10,"engine":"iperf3","latency_probe":true,"mode":"direct_ephemeral","protocol":"udp","reverse":true,"streams":4,"wait_sec":5},"test_type":"throughput","type":"session_request"}"#
        ),
        (
            .sessionGrant(
                SessionGrant(
                    testID: "i",
                    mode: .directEphemeral,
                    port: 5201,
                    token: "00",
                    expiresAt: "2026-01-01T00:00:00Z",
                    engine: .iperf3,
                    streams: 4,
                    credentials: IperfCredentials(username: "u", password: "p", publicKey: "k"),
                    echo: EchoGrant(port: 5202, token: "11")
                )
            ),
            #"{"credentials":{"password":"p","public_key":"k","username":"u"},"echo":{"port":5202,"token":"11"},"engine":"iperf3","expires_at":"2026-01-01T00:00:00Z","mode":"direct_ephemeral","port":5201,"streams":4,"test_id":"i","token":"00","type":"session_grant"}"#
        ),
        (
            .sessionDeny(SessionDeny(reason: .rateLimited, message: "m", retryAfterSec: 7)),
            #"{"message":"m","reason":"rate_limited","retry_after_sec":7,"type":"session_deny"}"#
        ),
        (.sessionClose(SessionClose(testID: "i")), #"{"test_id":"i","type":"session_close"}"#),
        (.getResult(GetResult(testID: "i")), #"{"test_id":"i","type":"get_result"}"#),
        (
            .result(
                SessionResult(
                    testID: "i",
                    testType: .udpEcho,
                    state: .completed,
                    endReason: "closed",
                    durationMs: 5,
                    bytesUp: 1,
                    bytesDown: 2,
                    throughput: nil,
                    echo: EchoReport(
                        received: 3,
                        replied: 3,
                        duplicates: 0,
                        reordered: 0,
                        highestSequence: 2,
                        rateLimited: 0
                    )
                )
            ),
            #"{"bytes_down":2,"bytes_up":1,"duration_ms":5,"echo":{"duplicates":0,"highest_sequence":2,"rate_limited":0,"received":3,"reordered":0,"replied":3},"end_reason":"closed","state":"completed","test_id":"i","test_type":"udp_echo","type":"result"}"#
        ),
        (
            .tunnelOpen(TunnelOpen(testID: "i", token: "00", direction: .down)),
            #"{"direction":"down","test_id":"i","token":"00","type":"tunnel_open"}"#
        ),
        (.getStatus, #"{"type":"get_status"}"#),
        (
            .statusSnapshot(
                StatusSnapshot(
                    endpointID: id,
                    uptimeSec: 1,
                    activeTest: "i",
                    testsToday: 2,
                    bytesToday: 3,
                    networkPosition: .lan
                )
            ),
            #"{"active_test":"i","bytes_today":3,"endpoint_id":"\#(id)","network_position":"lan","tests_today":2,"type":"status_snapshot","uptime_sec":1}"#
        ),
        (.getPathMeta, #"{"type":"get_path_meta"}"#),
        (
            .pathMeta(
                PathMetadata(
                    cpuLoad: 0.5,
                    memoryUsedMB: 1,
                    memoryTotalMB: 2,
                    loadAverage: [0.5, 0.25, 0.125],
                    mtu: 1500,
                    interface: "eth0",
                    receivedBytesPerSec: 10,
                    sentBytesPerSec: 20,
                    timeSynced: true,
                    clockErrorUs: 30,
                    buildVersion: "v",
                    buildHash: "h"
                )
            ),
            #"{"build_hash":"h","build_version":"v","clock_error_us":30,"cpu_load":0.5,"iface":"eth0","load_avg":[0.5,0.25,0.125],"memory_total_mb":2,"memory_used_mb":1,"mtu":1500,"rx_bytes_per_sec":10,"time_synced":true,"tx_bytes_per_sec":20,"type":"path_meta"}"#
        ),
        (.ok, #"{"type":"ok"}"#),
        (.error(LinkError(code: 400, message: "m")), #"{"code":400,"message":"m","type":"error"}"#),
    ]

    @Test(arguments: golden)
    func `every message has its golden JSON and is read back from it`(message: LinkMessage, json: String) throws {
        #expect(String(decoding: try LinkJSON.encode(message), as: UTF8.self) == json)
        #expect(try LinkJSON.decode(LinkMessage.self, from: Data(json.utf8)) == message)
    }

    @Test func `the list is complete: one golden message for each kind`() {
        let names = Set(Self.golden.map(\.0.type))
        #expect(
            names == [
                "hello", "server_hello", "pair_request", "pair_response", "session_request", "session_grant",
                "session_deny", "session_close", "get_result", "result", "tunnel_open", "get_status",
                "status_snapshot", "get_path_meta", "path_meta", "ok", "error",
            ]
        )
    }

    @Test(arguments: golden.map(\.1))
    func `a message cut anywhere is an error, never a message`(json: String) {
        let payload = Array(#"{"request_id":"1","payload":\#(json)}"#.utf8)
        for length in 0..<payload.count {
            #expect(throws: LinkDecodingError.self) { try LinkEnvelope.decode(ByteBuffer(bytes: payload[..<length])) }
        }
    }

    @Test func `unknown fields are ignored, at every level`() throws {
        let payload =
            #"{"request_id":"1","new":{},"payload":{"type":"session_request","x":1,"test_type":"udp_echo","params":{"duration_sec":5,"y":[null]}}}"#
        let envelope = try LinkEnvelope.decode(ByteBuffer(string: payload))
        #expect(
            envelope.payload
                == .sessionRequest(SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 5)))
        )
    }

    @Test(
        arguments: [
            (#"{"request_id":"7","payload":{"type":"nonsense"}}"#, "7", "nonsense"),
            (#"{"request_id":"7","payload":{"type":"get_result"}}"#, "7", "test_id is missing"),
            (
                #"{"request_id":"7","payload":{"type":"session_request","test_type":"udp_echo","params":{"duration_sec":"5"}}}"#,
                "7", "duration_sec"
            ),
            (#"{"request_id":"7"}"#, "7", "payload is missing"),
            (#"{"request_id":7,"payload":{"type":"ok"}}"#, "", "request_id"),
            ("[]", "", "wrong type"),
            ("\u{0}", "", "JSON"),
            ("", "", "JSON"),
        ]
    )
    func `an unreadable message keeps its request's id and names the field`(payload: String, id: String, words: String)
    {
        let error = #expect(throws: LinkDecodingError.self) { try LinkEnvelope.decode(ByteBuffer(string: payload)) }
        #expect(error?.requestID == id)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func `a request id of 128 bytes is taken, one of 129 is not`() throws {
        let longest = String(repeating: "a", count: 128)
        let envelope = try LinkEnvelope.decode(
            ByteBuffer(string: #"{"request_id":"\#(longest)","payload":{"type":"ok"}}"#)
        )
        #expect(envelope.requestID == longest)
        #expect(throws: LinkDecodingError.self) {
            try LinkEnvelope.decode(ByteBuffer(string: #"{"request_id":"\#(longest)b","payload":{"type":"ok"}}"#))
        }
    }

    @Test func `hostile JSON is an error: depth, numbers, text that is no UTF-8`() {
        let deep = String(repeating: "[", count: 60_000)
        for payload in [
            deep, #"{"request_id":"1","payload":{"type":"hello","version":"1.0","features":\#(deep)"#,
            #"{"request_id":"1","payload":{"type":"session_request","test_type":"udp_echo","params":{"duration_sec":1e999}}}"#,
            #"{"request_id":"1","payload":{"type":"session_request","test_type":"udp_echo","params":{"duration_sec":99999999999999999999}}}"#,
        ] {
            #expect(throws: LinkDecodingError.self) { try LinkEnvelope.decode(ByteBuffer(string: payload)) }
        }
        #expect(throws: LinkDecodingError.self) {
            try LinkEnvelope.decode(
                ByteBuffer(
                    bytes: Array(#"{"request_id":""#.utf8) + [0xff, 0xfe] + Array(#"","payload":{"type":"ok"}}"#.utf8)
                )
            )
        }
    }
}
