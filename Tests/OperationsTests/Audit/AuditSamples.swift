internal import Crypto
internal import Foundation
internal import Operations
internal import Testing

/// A key that signs checkpoints as the endpoint does.
struct TestSigner {
    let key = Curve25519.Signing.PrivateKey()

    var signing: AuditSigning {
        let key = key
        return AuditSigning(
            endpointID: "PP-TEST-ENDPOINT",
            sign: { Array(try key.signature(for: $0)) },
            verify: { id, message, signature in
                id == "PP-TEST-ENDPOINT" && key.publicKey.isValidSignature(signature, for: message)
            }
        )
    }
}

/// A record that uses every field, different for each `index`.
func sampleRecord(_ index: Int) -> AuditRecord {
    AuditRecord(
        "session_granted",
        timestamp: Timestamp(microseconds: 1_767_225_600_000_000 + Int64(index) * 1_000_001),
        peerID: "PP-PEER",
        endpointID: "PP-TEST-ENDPOINT",
        testID: "test-\(index)",
        testType: "throughput",
        params: ["duration_sec": .integer(Int64(index)), "reverse": true, "protocol": "tcp", "rate": 1.5],
        decision: "granted",
        reason: "within \"quota\"\n",
        bytesSent: 1,
        bytesReceived: 2,
        durationMS: 3,
        pid: 4,
        exitCode: 0
    )
}

/// Writes a log of `count` lines and closes it.
@discardableResult
func makeLog(_ path: String, lines count: Int, signing: AuditSigning) async throws -> AuditOpening {
    let (log, opening) = try AuditLog.open(path: path, signing: signing, layout: .sample)
    for index in 0..<count { try await log.append(sampleRecord(index)) }
    await log.close()
    return opening
}

/// Lines with their newlines.
func splitLines(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map { Array($0) + [10] }
}

extension AuditLayout {
    /// A field of each kind, between those that every layout has.
    static let sample = AuditLayout([
        Field("peer_id", .text), Field("endpoint_id", .text), Field("test_id", .text), Field("test_type", .text),
        Field("params", .parameters), Field("decision", .text), Field("reason", .text), Field("bytes_sent", .integer),
        Field("bytes_received", .integer), Field("duration_ms", .integer), Field("pid", .integer),
        Field("exit_code", .integer),
    ])
}

extension AuditRecord {
    init(
        _ eventType: String,
        timestamp: Timestamp = .now,
        peerID: String? = nil,
        endpointID: String? = nil,
        testID: String? = nil,
        testType: String? = nil,
        params: [String: Value]? = nil,
        decision: String? = nil,
        reason: String? = nil,
        bytesSent: Int64? = nil,
        bytesReceived: Int64? = nil,
        durationMS: Int64? = nil,
        pid: Int64? = nil,
        exitCode: Int64? = nil
    ) {
        self.init(eventType, timestamp: timestamp)
        self[text: "peer_id"] = peerID
        self[text: "endpoint_id"] = endpointID
        self[text: "test_id"] = testID
        self[text: "test_type"] = testType
        self[parameters: "params"] = params
        self[text: "decision"] = decision
        self[text: "reason"] = reason
        self[integer: "bytes_sent"] = bytesSent
        self[integer: "bytes_received"] = bytesReceived
        self[integer: "duration_ms"] = durationMS
        self[integer: "pid"] = pid
        self[integer: "exit_code"] = exitCode
    }
}
