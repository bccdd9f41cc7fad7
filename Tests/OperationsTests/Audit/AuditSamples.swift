import Crypto
import Foundation
import Operations
import Testing

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
    let (log, opening) = try AuditLog.open(path: path, signing: signing)
    for index in 0..<count { try await log.append(sampleRecord(index)) }
    await log.close()
    return opening
}

/// Lines with their newlines.
func splitLines(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map { Array($0) + [10] }
}
