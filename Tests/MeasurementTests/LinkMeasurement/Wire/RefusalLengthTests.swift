internal import Foundation
internal import Identity
internal import NIOCore
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

/// What a wrong request may bring back.
@Suite("Words about wrong requests", .timeLimit(.minutes(3)))
struct RefusalLengthTests {
    /// One letter, of which each copy carries so many combining marks: few characters, many bytes.
    private static let tower = String(repeating: "a" + String(repeating: "\u{301}", count: 1_000), count: 60)
    private static let long = String(repeating: "Q", count: 100_000)

    /// Payloads that are wrong in every field that takes text, a name or a number.
    static let wrong: [String] = [tower, long, String(repeating: "9", count: 5_000)].flatMap { text in
        [
            #"{"type":"\#(text)"}"#,
            #"{"type":"hello","version":"\#(text)","features":[]}"#,
            #"{"type":"hello","version":"1.0","features":{"\#(text)":1}}"#,
            #"{"type":"session_request","test_type":"\#(text)","params":{"duration_sec":1}}"#,
            #"{"type":"session_request","test_type":"throughput","params":{"duration_sec":1,"engine":"\#(text)"}}"#,
            #"{"type":"session_request","test_type":"throughput","params":{"duration_sec":1,"protocol":"\#(text)"}}"#,
            #"{"type":"session_request","test_type":"throughput","params":{"duration_sec":1,"mode":"\#(text)"}}"#,
            #"{"type":"session_request","test_type":"throughput","params":{"duration_sec":"\#(text)"}}"#,
            #"{"type":"session_request","test_type":"throughput","params":{"duration_sec":1,"streams":9\#(text.filter { $0 == "9" })}}"#,
            #"{"type":"session_close","test_id":"\#(text)"}"#,
            #"{"type":"get_result","test_id":"\#(text)"}"#,
            #"{"type":"tunnel_open","test_id":"\#(text)","token":"\#(text)","direction":"\#(text)"}"#,
            #"{"type":"pair_response","success":true,"message":"","endpoint_id":"\#(text)"}"#,
            #"{"type":"status_snapshot","endpoint_id":"\#(text)"}"#,
            #"{"type":"server_hello","version":"","features":[],"policy_summary":{},"network_position":"\#(text)"}"#,
            #"{"type":"session_deny","reason":"\#(text)","message":""}"#,
            #"{"type":"result","test_id":"","test_type":"throughput","state":"\#(text)"}"#,
        ]
    }

    @Test func `no reply to a wrong request is longer than 1 KiB, and none quotes more than 64 scalars of it`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            // It is the words that are looked at here, of more than a peer may send at once.
            $0.limits.controlBurst = 1 << 30
        } _: { reflector in
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                // An id that is as long as it may be, of letters that JSON writes with six bytes each.
                let id = String(repeating: #"\u0001"#, count: LinkEnvelope.maximumRequestIDLength)
                for (index, payload) in Self.wrong.enumerated() {
                    for id in ["\(index)", id] {
                        try await peer.send(frame: #"{"request_id":"\#(id)","payload":\#(payload)}"#)
                        let answer = try #require(await peer.next(), "\(payload.prefix(80))")
                        let length = try answer.frame().readableBytes
                        #expect(length <= 1_024, "\(length) bytes for \(payload.prefix(80))")
                        let words: String
                        switch answer.payload {
                        case .error(let error): words = error.message
                        case .sessionDeny(let deny): words = deny.message
                        default:
                            Issue.record("\(answer.payload.type) for \(payload.prefix(80))")
                            continue
                        }
                        let quoted = words.unicodeScalars.count { "Q\u{301}9".unicodeScalars.contains($0) }
                        #expect(quoted <= 64, "\(quoted) scalars: \(words.prefix(200))")
                    }
                }
            }
        }
    }
}
