internal import Files
internal import SystemErrors

/// A folder and what lies in it, by paths relative to it. No symbolic link is followed on the way.
final class FolderTree {
    private let root: OpenFolder
    /// The folders that were used last: files come folder by folder, some of which are looked for while others are
    /// written.
    private var recent: [Recent] = []
    private static let mostRecent = 4

    private final class Recent {
        let path: [UInt8]
        let folder: OpenFolder

        init(_ path: [UInt8], _ folder: consuming OpenFolder) {
            self.path = path
            self.folder = folder
        }
    }

    init(_ root: consuming OpenFolder) { self.root = root }

    /// For another thread.
    func reopenedRoot() throws(SystemError) -> OpenFolder { try root.reopened() }

    /// A path below the root, with the root's own, for people.
    func text(_ path: [UInt8]) -> String {
        let start = root.path.hasSuffix("/") ? String(root.path.dropLast()) : root.path
        return path.isEmpty ? start : start + "/" + String(decoding: path, as: UTF8.self)
    }

    /// Calls with the folder that has the last part of a path, and that part.
    func inParent<Result: ~Copyable>(
        of path: [UInt8],
        _ body: (borrowing OpenFolder, [UInt8]) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return try body(root, path) }
        let name = Array(path[(slash + 1)...])
        return try inFolder(Array(path[..<slash])) { (folder) throws(SystemError) in try body(folder, name) }
    }

    /// Calls with the folder at a path; empty for the root.
    func inFolder<Result: ~Copyable>(
        _ path: [UInt8],
        _ body: (borrowing OpenFolder) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        if path.isEmpty { return try body(root) }
        if let known = recent.last(where: { $0.path == path }) { return try body(known.folder) }
        let opened = Recent(path, try open(path))
        if recent.count == Self.mostRecent { recent.removeFirst() }
        recent.append(opened)
        return try body(opened.folder)
    }

    private func open(_ path: [UInt8]) throws(SystemError) -> OpenFolder {
        var parts = path.split(separator: UInt8(ascii: "/")).map { Array($0) }[...]
        guard let first = parts.popFirst() else { preconditionFailure("an empty path is the root") }
        var folder = try root.folder(first)
        for part in parts { folder = try folder.folder(part) }
        return folder
    }
}
