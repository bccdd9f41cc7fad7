package import Cryptography
package import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// Files, folders and symbolic links of this machine that are sent.
package final class DiskSource: FileSource {
    private enum Place {
        case path(String)
        /// A tree's position, and the path in it.
        case tree(Int, [UInt8])
    }

    /// What is needed to see that a file has changed.
    private struct State: Equatable {
        let size: Int64
        let modified: Int
        let modifiedNanoseconds: UInt32
        let changed: Int
        let changedNanoseconds: UInt32

        init(_ status: FileStatus) {
            size = status.size
            modified = status.modified
            modifiedNanoseconds = status.modifiedNanoseconds
            changed = status.changed
            changedNanoseconds = status.changedNanoseconds
        }
    }

    /// A file or folder that is sent.
    private struct Root {
        let path: String
        /// The receiver's.
        let name: [UInt8]
        let status: FileStatus
        /// Of a folder; its tree has the same position as the root.
        var walk: FolderWalk?

        /// For people.
        var text: String { path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }
    }

    /// Paths in folders that are too long.
    private var longPaths: [String] = []
    private var roots: [Root] = []
    /// That whose entries come next.
    private var nextRoot = 0
    private var trees: [FolderTree?] = []
    private var places: [Place] = []
    private var states: [State] = []
    private var openEntry: UInt32?
    private var file: Descriptor?
    private let values: KnownValues?

    /// Entries are listed when they are asked for.
    ///
    /// - Parameters:
    ///   - paths: of files and folders. A symbolic link here stands for what it points to.
    ///   - excluded: what is left out of the folders.
    ///   - values: where values of chunks are kept for a later transfer; nil keeps none.
    /// - Throws: for a path that cannot be sent.
    package init(
        _ paths: [String],
        excluding excluded: [NamePattern] = [],
        keepingValuesIn values: String? = nil
    ) throws(FileFault) {
        self.values = values.map { KnownValues(in: $0) }
        for path in paths {
            let name: [UInt8]
            do throws(SystemError) {
                let status = try FileStatus.following(path)
                name = try Self.name(of: path)
                switch status.kind {
                case .folder where TransferEntry.isSafe(name):
                    let tree = FolderTree(try OpenFolder.open(path))
                    let walk = try FolderWalk(tree, excluding: excluded)
                    roots.append(Root(path: path, name: name, status: status, walk: walk))
                    trees.append(tree)
                case .file where TransferEntry.isSafe(name):
                    roots.append(Root(path: path, name: name, status: status))
                    trees.append(nil)
                case .folder, .file: break
                default: throw SystemError(call: "open", path: path, code: Self.unsendable)
                }
            } catch {
                let reason = error.code == Self.unsendable ? "it is neither a file nor a folder" : error.reason
                throw FileFault(.unreadable, "cannot read \(path): \(reason); correct the path")
            }
            guard TransferEntry.isSafe(name) else {
                throw FileFault(.refusedName, "\(path) has no name that a receiver could give it; send what is in it")
            }
        }
    }

    /// Stands for a kind of file that cannot be sent.
    private static let unsendable = ENOTSUP

    /// The name that a receiver gives to a path.
    private static func name(of path: String) throws(SystemError) -> [UInt8] {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
        if TransferEntry.isSafe(name) { return name }
        // Such as `.` or `..`.
        return try RealPath.of(path).split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
    }

    // MARK: Listing

    /// What is below the folders and cannot be sent, as far as it was listed, and why.
    package var faults: [String] { roots.flatMap { $0.walk?.faults ?? [] } + longPaths }

    package var hasMore: Bool { nextRoot < roots.count }

    package func more(atMost count: Int) -> [TransferEntry] {
        var entries: [TransferEntry] = []
        entries.reserveCapacity(count)
        while nextRoot < roots.count, entries.count < count {
            let root = nextRoot
            guard roots[root].walk != nil else {
                nextRoot += 1
                entries.append(entry(roots[root].name, .file, roots[root].status, [], .path(roots[root].path)))
                continue
            }
            guard let found = roots[root].walk?.next() else {
                nextRoot += 1
                continue
            }
            let name = roots[root].name
            let path = found.path.isEmpty ? name : FolderWalk.join(name, found.path)
            guard TransferEntry.isSafe(path) else {
                longPaths.append("\(trees[root]?.text(found.path) ?? ""): its path is too long")
                continue
            }
            entries.append(entry(path, found.kind, found.status, found.target, .tree(root, found.path)))
        }
        return entries
    }

    /// All entries that were not asked for.
    package func all() -> [TransferEntry] {
        var entries: [TransferEntry] = []
        while hasMore { entries += more(atMost: 1024) }
        return entries
    }

    private func entry(
        _ path: [UInt8],
        _ kind: TransferEntry.Kind,
        _ status: FileStatus,
        _ target: [UInt8],
        _ place: Place
    ) -> TransferEntry {
        places.append(place)
        states.append(State(status))
        return TransferEntry(
            number: UInt32(places.count - 1),
            kind: kind,
            mode: UInt32(status.mode),
            seconds: Int64(status.modified),
            nanoseconds: status.modifiedNanoseconds,
            size: kind == .file ? UInt64(status.size) : 0,
            path: path,
            target: target
        )
    }

    // MARK: Reading

    func place(of entry: UInt32) -> FilePlace {
        switch places[Int(entry)] {
        case .path(let path): FilePlace(folder: path, name: [])
        case .tree(let tree, let path): FilePlace(folder: roots[tree].text, name: path)
        }
    }

    /// The path of an entry, for people.
    private func path(of entry: UInt32) -> String { place(of: entry).path }

    private func open(_ entry: UInt32) throws(SystemError) {
        guard openEntry != entry else { return }
        openEntry = nil
        file = nil
        // Not waiting for the other end of a pipe that is there now.
        let flags = O_RDONLY | O_NONBLOCK
        switch places[Int(entry)] {
        case .path(let path): file = try Descriptor.open(path, flags: flags)
        case .tree(let tree, let path):
            file = try trees[tree]?.inParent(of: path) { (folder, name) throws(SystemError) in
                try folder.open(name, flags: flags)
            }
        }
        openEntry = entry
    }

    package func read(
        _ entry: UInt32,
        at offset: UInt64,
        into bytes: inout MutableRawSpan
    ) throws(FileFault) -> Int {
        do throws(SystemError) {
            try open(entry)
            return try file?.read(into: &bytes, at: Int64(offset)) ?? 0
        } catch { throw FileFault(.unreadable, "cannot read \(path(of: entry)): \(error.reason)") }
    }

    package func check(_ entry: UInt32) throws(FileFault) {
        do throws(SystemError) {
            try open(entry)
            guard let status = try file?.status(), State(status) == states[Int(entry)] else {
                throw SystemError(call: "read", code: Self.unsendable)
            }
        } catch {
            guard error.code != Self.unsendable else {
                throw FileFault(.changed, "\(path(of: entry)) changed while it was sent; send it again")
            }
            throw FileFault(.unreadable, "cannot read \(path(of: entry)): \(error.reason)")
        }
    }

    // MARK: Values of earlier transfers

    package func value(of chunk: UInt64, in entry: UInt32) -> BLAKE3.ChainingValue? {
        openValues(entry)
        return values?.value(of: chunk)
    }

    package func keep(_ value: BLAKE3.ChainingValue, of chunk: UInt64, in entry: UInt32) {
        openValues(entry)
        values?.keep(value, of: chunk)
    }

    package func finish(_ entry: UInt32) {
        // A file of which nothing was read has none.
        guard let values, values.isWorthKeeping(UInt64(states[Int(entry)].size)) else { return }
        openValues(entry)
        values.remove()
    }

    private func openValues(_ entry: UInt32) {
        guard let values, values.entry != entry else { return }
        guard values.isWorthKeeping(UInt64(states[Int(entry)].size)), (try? open(entry)) != nil,
            let status = try? file?.status(), State(status) == states[Int(entry)]
        else { return values.close(for: entry) }
        values.open(status, for: entry)
    }
}
