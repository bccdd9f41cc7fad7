internal import FoundationEssentials
internal import Identity
internal import Operations

/// A new key for this machine; the old one stays beside it.
package enum IdentityRotation {
    /// What the old key's file is called after the dot: UTC to the microsecond, so it sorts by time and two rotations differ.
    package static func suffix() -> String {
        "old-" + Timestamp.now.description.filter { $0.isNumber }.prefix(20)
    }

    /// The IDs this machine had before: those of the keys that were kept aside.
    static func formerIDs(keyPath: String) -> [EndpointID] {
        let slash = keyPath.lastIndex(of: "/")
        let folder = slash.map { $0 == keyPath.startIndex ? "/" : String(keyPath[..<$0]) } ?? "."
        let prefix = keyPath[(slash.map(keyPath.index(after:)) ?? keyPath.startIndex)...] + ".old-"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix(prefix) }.sorted()
            .compactMap { try? KeyFile.load(at: folder + "/" + $0)?.endpointID }
    }
}
