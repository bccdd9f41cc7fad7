package import Identity
internal import Operations

/// Whose signature under the audit log's checkpoint is believed: this machine's, under its present and former keys.
package enum AuditTrust {
    static func signing(with identity: ServerIdentity, keyPath: String) -> AuditSigning {
        AuditSigning(
            endpointID: identity.current.endpointID.description,
            sign: { try identity.current.key.sign($0) },
            verify: verifier(own: identity.current.endpointID, keyPath: keyPath)
        )
    }

    /// Checks a signature by `own`, which is asked for each time, or by a key that was rotated away and kept.
    package static func verifier(
        own: @escaping @autoclosure @Sendable () -> EndpointID,
        keyPath: String
    ) -> @Sendable (_ endpointID: String, _ message: [UInt8], _ signature: [UInt8]) -> Bool {
        { endpointID, message, signature in
            guard let signer = try? EndpointID(parsing: endpointID) else { return false }
            let trusted = [own()] + FormerIdentities.read(keyPath: keyPath)
            return trusted.contains(signer) && signer.verifies(signature, of: message)
        }
    }
}
