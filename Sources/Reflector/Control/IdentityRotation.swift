internal import FoundationEssentials
internal import Identity
internal import Operations

/// A new key for this machine; the old one stays beside it.
package enum IdentityRotation {
    /// The suffix of the old key's file: sorts by time, and is unused.
    private static func suffix(keyPath: String) -> String {
        let second = "old-" + Timestamp.now.description.filter { $0.isNumber }.prefix(14)
        let more = (2...).lazy.map { "\(second)-\($0)" }
        let isTaken = { (suffix: String) in FileManager.default.fileExists(atPath: keyPath + "." + suffix) }
        return isTaken(second) ? more.first { !isTaken($0) } ?? second : second
    }

    /// Replaces the key at `keyPath`. The decision is in the audit log first; without that nothing changes. If the key
    /// then cannot be replaced, a second line says so. `adopt` gets the new key and must not fail.
    static func perform(
        keyPath: String,
        from old: EndpointID,
        to key: IdentityKey,
        audit: ServerAudit,
        adopt: () -> Void = {}
    ) async throws -> ControlReply {
        let suffix = suffix(keyPath: keyPath)
        let kept = keyPath + "." + suffix
        try await audit.identityRotated(from: old, to: key.endpointID, keptAt: kept)
        do {
            _ = try KeyFile.rotate(at: keyPath, to: key, asideSuffix: suffix)
        } catch {
            try? await audit.identityRotated(from: old, to: key.endpointID, keptAt: kept, failure: "\(error)")
            throw error
        }
        adopt()
        audit.identityChanged(to: key.endpointID)
        return .rotated(old: old, new: key.endpointID, kept: kept)
    }
}
