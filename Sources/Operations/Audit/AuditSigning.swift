/// Signs checkpoints and verifies signatures. The log knows no keys.
package struct AuditSigning: Sendable {
    /// Asked at each checkpoint and written into it, because an identity may be rotated while the log is open; at most
    /// 128 bytes, no spaces.
    package var endpointID: @Sendable () -> String
    /// Signs a message with the private key of `endpointID` (Ed25519: 64 bytes; at most 256).
    package var sign: @Sendable (_ message: [UInt8]) throws -> [UInt8]
    /// Whether `signature` is by `endpointID` **and** that endpoint may sign this log (this machine, before and after
    /// its identity was rotated).
    package var verify: @Sendable (_ endpointID: String, _ message: [UInt8], _ signature: [UInt8]) -> Bool

    package init(
        endpointID: @escaping @autoclosure @Sendable () -> String,
        sign: @escaping @Sendable (_ message: [UInt8]) throws -> [UInt8],
        verify: @escaping @Sendable (_ endpointID: String, _ message: [UInt8], _ signature: [UInt8]) -> Bool
    ) {
        self.endpointID = endpointID
        self.sign = sign
        self.verify = verify
    }
}
