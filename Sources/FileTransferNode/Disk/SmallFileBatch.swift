internal import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// The names of the small files that are about to be made, in a file in the target folder.
///
/// A small file is made under its final name, which costs a third less than a renaming. If the process is killed in
/// between, the file is there, incomplete. It has no permissions then, because it gets them last, and its name is in
/// this list; so the next process can tell it from a file of the user's, and remove it.
final class SmallFileBatch {
    private static let prefix = Array(".courier-batch".utf8)
    private static let mostNames = 1_024
    private static let mostBytes = 16 << 20
    /// Names are added behind those of files that are still being made, so far.
    private static let mostAppended = 8 << 20

    private let tree: FolderTree
    /// Of the list. Sessions that receive at the same time have different ones.
    private let name: [UInt8]
    private var file: Descriptor?
    /// Names that were expected and are in no batch yet.
    private var length = 0
    private var expected: [[UInt8]] = []
    private var next = 0
    /// The list: one name, and some of those that were expected.
    private var first: [UInt8] = []
    private var current = 0..<0
    /// Where the next name probably is: files come in the order in which they were asked for.
    private var cursor = 0

    /// - Parameter place: of the session, among those that receive at the same time.
    init(in tree: FolderTree, place: Int) {
        self.tree = tree
        name = Self.name(place)
    }

    private static func name(_ place: Int) -> [UInt8] { place == 0 ? prefix : prefix + Array("-\(place)".utf8) }

    /// Whether a list has such a name.
    static func isReserved(_ name: [UInt8]) -> Bool { name.starts(with: prefix) }

    /// Removes what a process that was killed left in a folder.
    static func removeUnfinished(in folder: String, places: Int) throws(SystemError) {
        let tree = FolderTree(try OpenFolder.open(folder))
        for place in 0..<places { try SmallFileBatch(in: tree, place: place).removeUnfinished() }
    }

    /// Removes what the list names and is incomplete, and the list.
    func removeUnfinished() throws(SystemError) {
        let bytes = try tree.inFolder([]) { (root) throws(SystemError) -> [UInt8] in
            guard try root.status(of: name)?.isOwnFile == true else { return [] }
            let bytes = try root.open(name, flags: O_RDONLY).read(atMost: Self.mostBytes, at: 0)
            try root.remove(name)
            return bytes
        }
        // The last one may have been cut off while it was written.
        let whole = bytes.prefix(through: bytes.lastIndex(of: 0) ?? -1)
        for path in whole.split(separator: 0) {
            guard TransferEntry.isSafe(Array(path)) else { continue }
            try? tree.inParent(of: Array(path)) { (folder, name) throws(SystemError) in
                guard let status = try folder.status(of: name), status.isOwnFile, status.mode == 0 else { return }
                try folder.remove(name)
            }
        }
    }

    /// A small file will come.
    func expect(_ path: [UInt8]) { expected.append(path) }

    /// A small file is made next, after those that the writer has.
    func begin(_ path: [UInt8], before writer: SmallFileWriter) throws(SystemError) {
        if isInList(path) { return }
        let names = next..<min(expected.count, next + Self.mostNames)
        var bytes = path + [0]
        for name in expected[names] where name != path { bytes += name + [0] }
        next = names.upperBound
        if file == nil {
            file = try tree.inFolder([]) { (root) throws(SystemError) in
                let list = try root.open(name, flags: O_RDWR | O_CREAT)
                guard try list.status().isOwnFile else {
                    throw SystemError(call: "open", path: list.path, code: EEXIST)
                }
                return list
            }
        }
        first = []
        current = 0..<0
        if writer.pending > 0, length >= Self.mostAppended { writer.finishAll() }
        if writer.pending == 0 || length >= Self.mostAppended {
            length = 0
            try file?.truncate(to: 0)
        }
        try file?.write(bytes, at: Int64(length))
        length += bytes.count
        first = path
        current = names
        cursor = names.lowerBound
    }

    private func isInList(_ path: [UInt8]) -> Bool {
        if current.contains(cursor), expected[cursor] == path {
            cursor += 1
            return true
        }
        guard let position = expected[current].firstIndex(of: path) else { return path == first }
        cursor = position + 1
        return true
    }

    /// All files are there, or no more will come.
    func end() {
        if file != nil { try? tree.inFolder([]) { (root) throws(SystemError) in try root.remove(name) } }
        file = nil
        length = 0
        expected = []
        first = []
        current = 0..<0
        cursor = 0
        next = 0
    }
}
