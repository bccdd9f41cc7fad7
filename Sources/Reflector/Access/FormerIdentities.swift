internal import FoundationEssentials
internal import Identity

/// The IDs this machine had before its identity was rotated.
enum FormerIdentities {
    /// The IDs this machine had before: those of the keys that were kept aside.
    static func read(keyPath: String) -> [EndpointID] {
        let slash = keyPath.lastIndex(of: "/")
        let folder = slash.map { $0 == keyPath.startIndex ? "/" : String(keyPath[..<$0]) } ?? "."
        let prefix = keyPath[(slash.map(keyPath.index(after:)) ?? keyPath.startIndex)...] + ".old-"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix(prefix) }.sorted()
            .compactMap { try? KeyFile.load(at: folder + "/" + $0)?.endpointID }
    }
}
