internal import Files
internal import Identity

enum FormerIdentities {
    /// The IDs that this machine had before its identity was rotated: those of the kept keys.
    static func read(keyPath: String) -> [EndpointID] {
        let folder = StateFiles.folder(of: keyPath) ?? "."
        let prefix = "\(keyPath.split(separator: "/").last ?? "").old-"
        let names = (try? FolderListing.names(in: folder)) ?? []
        return names.filter { $0.hasPrefix(prefix) }.sorted()
            .compactMap { try? KeyFile.load(at: folder + "/" + $0)?.endpointID }
    }
}
