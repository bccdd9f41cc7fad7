internal import FileTransfer
internal import Files
internal import SystemErrors

/// Lists what is below a folder, folders before their content, in the order of their names. It looks at an entry when
/// it is asked for it.
struct FolderWalk {
    /// An entry and where it is, relative to the folder; empty for the folder itself.
    struct Found {
        let path: [UInt8]
        let kind: TransferEntry.Kind
        let status: FileStatus
        /// Of a symbolic link.
        let target: [UInt8]
    }

    /// A folder that is being listed.
    private struct Listing {
        let path: [UInt8]
        let names: [[UInt8]]
        var next = 0
        /// Those in it, which follow.
        var folders: [[UInt8]] = []
    }

    /// What cannot be sent so far, and why.
    private(set) var faults: [String] = []
    private let tree: FolderTree
    private let excluded: [NamePattern]
    private var listing: Listing
    /// The folder that is listed, until it was returned.
    private var folder: Found?
    private var waiting: [[UInt8]] = []

    /// - Parameter excluded: what is left out, with what is below it.
    /// - Throws: if the folder itself cannot be listed.
    init(_ tree: FolderTree, excluding excluded: [NamePattern] = []) throws(SystemError) {
        self.tree = tree
        self.excluded = excluded
        (folder, listing) = try Self.open([], in: tree)
    }

    private static func open(_ path: [UInt8], in tree: FolderTree) throws(SystemError) -> (Found, Listing) {
        let (status, names) = try tree.inFolder(path) { (folder) throws(SystemError) in
            (try folder.status(), try folder.names())
        }
        return (
            Found(path: path, kind: .folder, status: status, target: []),
            Listing(path: path, names: names.sorted { $0.lexicographicallyPrecedes($1) })
        )
    }

    /// The next entry; nil if there are no more.
    mutating func next() -> Found? {
        while true {
            if let found = folder.take() { return found }
            while listing.next < listing.names.count {
                listing.next += 1
                if let found = look(at: listing.names[listing.next - 1]) { return found }
            }
            waiting += listing.folders.reversed()
            listing.folders = []
            guard let path = waiting.popLast() else { return nil }
            do throws(SystemError) { (folder, listing) = try Self.open(path, in: tree) } catch {
                faults.append("\(tree.text(path)): \(error.reason)")
            }
        }
    }

    /// `path/name`.
    static func join(_ path: [UInt8], _ name: [UInt8]) -> [UInt8] {
        var joined: [UInt8] = []
        joined.reserveCapacity(path.count + 1 + name.count)
        joined += path
        joined.append(UInt8(ascii: "/"))
        joined += name
        return joined
    }

    /// Nil for a folder, which is returned when it is listed, and for what is not sent.
    private mutating func look(at name: [UInt8]) -> Found? {
        let path = listing.path
        let inner = path.isEmpty ? name : Self.join(path, name)
        do throws(SystemError) {
            let status = try tree.inFolder(path) { (folder) throws(SystemError) in try folder.status(of: name) }
            // Gone meanwhile.
            guard let status else { return nil }
            if excluded.contains(where: { $0.matches(inner, isFolder: status.kind == .folder) }) { return nil }
            switch status.kind {
            case .folder: listing.folders.append(inner)
            case .file: return Found(path: inner, kind: .file, status: status, target: [])
            case .symbolicLink:
                let target = try tree.inFolder(path) { (folder) throws(SystemError) in try folder.target(of: name) }
                return Found(path: inner, kind: .symbolicLink, status: status, target: target)
            case .socket, .other: faults.append("\(tree.text(inner)): neither a file, a folder nor a symbolic link")
            }
        } catch { faults.append("\(tree.text(inner)): \(error.reason)") }
        return nil
    }
}
