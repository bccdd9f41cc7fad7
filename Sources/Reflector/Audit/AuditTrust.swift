package import Identity
internal import Operations

/// Which keys may have signed the audit log's checkpoint: this machine's current and former ones.
package enum AuditTrust {
    static func signing(with identity: ServerIdentity, keyPath: String) -> AuditSigning {
        AuditSigning(
            endpointID: identity.current.endpointID.description,
            sign: { try identity.current.key.sign($0) },
            verify: verifier(own: identity.current.endpointID, keyPath: keyPath)
        )
    }

    /// Verifies a signature with `own`, which is called each time, or with a rotated key that was kept.
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
