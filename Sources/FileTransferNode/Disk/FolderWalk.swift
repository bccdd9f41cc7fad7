internal import FileTransfer
internal import Files
internal import SystemErrors

/// Lists what is below a folder, folders before their content, in the order of their names.
struct FolderWalk {
    /// An entry and where it is, relative to the folder; empty for the folder itself.
    struct Found {
        let path: [UInt8]
        let kind: TransferEntry.Kind
        let status: FileStatus
        /// Of a symbolic link.
        let target: [UInt8]
    }

    private(set) var found: [Found] = []
    /// What cannot be sent, and why.
    private(set) var faults: [String] = []
    private let tree: FolderTree
    private let excluded: [NamePattern]
    private var waiting: [[UInt8]] = [[]]

    /// - Parameter excluded: what is left out, with what is below it.
    init(_ tree: FolderTree, excluding excluded: [NamePattern] = []) throws(SystemError) {
        self.tree = tree
        self.excluded = excluded
        while let path = waiting.popLast() { try list(path) }
    }

    private mutating func list(_ path: [UInt8]) throws(SystemError) {
        var names: [[UInt8]] = []
        do throws(SystemError) {
            let (status, all) = try tree.inFolder(path) { (folder) throws(SystemError) in
                (try folder.status(), try folder.names())
            }
            names = all.sorted { $0.lexicographicallyPrecedes($1) }
            found.append(Found(path: path, kind: .folder, status: status, target: []))
        } catch {
            if path.isEmpty { throw error }
            faults.append("\(tree.text(path)): \(error.reason)")
            return
        }
        var folders: [[UInt8]] = []
        for name in names {
            let inner = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
            do throws(SystemError) {
                let status = try tree.inFolder(path) { (folder) throws(SystemError) in try folder.status(of: name) }
                let isFolder = status?.kind == .folder
                if excluded.contains(where: { $0.matches(inner, isFolder: isFolder) }) { continue }
                switch status?.kind {
                case .folder: folders.append(inner)
                case .file:
                    if let status { found.append(Found(path: inner, kind: .file, status: status, target: [])) }
                case .symbolicLink:
                    let target = try tree.inFolder(path) { (folder) throws(SystemError) in try folder.target(of: name) }
                    if let status {
                        found.append(Found(path: inner, kind: .symbolicLink, status: status, target: target))
                    }
                case .socket, .other: faults.append("\(tree.text(inner)): neither a file, a folder nor a symbolic link")
                // Gone meanwhile.
                case nil: break
                }
            } catch { faults.append("\(tree.text(inner)): \(error.reason)") }
        }
        waiting += folders.reversed()
    }
}
