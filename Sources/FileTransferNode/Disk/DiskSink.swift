package import Cryptography
package import FileTransfer
internal import Files
internal import Glibc
internal import PacketIO
internal import SystemErrors

/// A folder of this machine that receives files.
///
/// A large file is written as `NAME.courier-part` and gets its name when it is verified. A small one is verified before
/// it is made. No symbolic link is followed below the folder, and nothing is replaced unless the user says so.
package final class DiskSink: FileSink {
    package struct Options: Sendable {
        /// Whether offers name the files whose names are taken.
        package var looksForConflicts = false
        /// Whether files are on the disk before they are called received.
        package var isDurable = false
        /// Whether what an earlier transfer left is hashed again, at the same boot, too.
        package var rehashes = false

        package init() {}
    }

    /// Of one call of ``end()``.
    private static let longestEnd: Int64 = 2_000_000

    /// Parts that are open at the same time.
    private let mostOpen: Int

    private let options: Options
    package var isDurable: Bool { options.isDurable }
    var looksForConflicts: Bool { options.looksForConflicts }
    /// What happens to entries whose names are taken.
    package var conflicts = ConflictPolicy.refuse
    private let tree: FolderTree
    private let batch: SmallFileBatch
    private var writer: SmallFileWriter?
    /// Small files that were not even begun.
    private var unwritten: [StoredFile] = []
    private var entries: [UInt32: TransferEntry] = [:]
    /// Large files: what an earlier transfer left of them.
    private var known: [UInt32: (chunks: KnownChunks, isContinued: Bool)] = [:]
    /// In the order in which they were opened.
    private var open: [(entry: UInt32, part: PartBox)] = []
    /// Entries that get another name than the sender's.
    private var renamed: [UInt32: [UInt8]] = [:]
    /// Entries that replace something.
    private var replacing: Set<UInt32> = []
    /// Large files that this session receives, and all that are received into the folder.
    private var claimed: Set<[UInt8]> = []
    private let claims: PathClaims
    /// All paths of the transfer.
    private var taken = TakenPaths()
    /// Folders that were made here, whose permissions and times are set at the end.
    private var folders: [TransferEntry] = []
    /// Folders that this transfer has made, with nothing in them.
    private var newFolders: Set<[UInt8]> = []
    /// The one of the entry before: entries come folder by folder.
    private var latestFolder: (path: [UInt8], isNew: Bool) = ([], false)
    private var buffer: [UInt8] = []
    /// What a person should know.
    package private(set) var notices: [String] = []

    private final class PartBox {
        var part: PartFile
        init(_ part: consuming PartFile) { self.part = part }
    }

    /// - Parameters:
    ///   - folder: exists, and no other process receives into it: see ``ReceivingFolder``.
    ///   - claims: of all sessions that receive into it at the same time.
    ///   - place: tells this one from the others.
    ///   - mostOpen: parts that are open at the same time, each with its journal.
    package convenience init(into folder: String, options: Options = Options()) throws(FileFault) {
        try self.init(into: folder, options: options, claims: PathClaims(), place: 0, mostOpen: 64)
    }

    init(into folder: String, options: Options, claims: PathClaims, place: Int, mostOpen: Int) throws(FileFault) {
        self.mostOpen = mostOpen
        self.options = options
        self.claims = claims
        do throws(SystemError) {
            tree = FolderTree(try OpenFolder.open(folder))
            batch = SmallFileBatch(in: tree, place: place)
            try batch.removeUnfinished()
        } catch { throw FileFault(.unwritable, "cannot use \(folder): \(error.reason)") }
    }

    deinit { for path in claimed { claims.release(path) } }

    /// No more will come. When this returns, no file is being made, and none is incomplete.
    func abandon() {
        writer?.stop()
        writer = nil
        batch.end()
    }

    // MARK: Names

    /// The paths of entries whose names are taken.
    package func conflicts(_ entries: [TransferEntry]) -> [String] {
        entries.filter { entry in
            guard entry.kind == .file, let status = try? status(of: entry.path) else { return false }
            return !isUnchanged(entry, status)
        }.map { tree.text($0.path) }
    }

    private func status(of path: [UInt8]) throws(SystemError) -> FileStatus? {
        // What another program makes there meanwhile is not overwritten either: no file is opened that exists.
        if isInNewFolder(path) { return nil }
        return try tree.inParent(of: path) { (folder, name) throws(SystemError) in try folder.status(of: name) }
    }

    /// Whether this transfer has made the folder of a path, and nothing of it there before.
    private func isInNewFolder(_ path: [UInt8]) -> Bool {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return false }
        if !latestFolder.path.elementsEqual(path[..<slash]) {
            let folder = Array(path[..<slash])
            latestFolder = (folder, newFolders.contains(folder))
        }
        return latestFolder.isNew
    }

    /// Where an entry goes, below the folder.
    func path(of entry: TransferEntry) -> [UInt8] { renamed[entry.number] ?? entry.path }

    /// What rsync looks at, too: size and time.
    private func isUnchanged(_ entry: TransferEntry, _ status: FileStatus) -> Bool {
        status.kind == .file && UInt64(status.size) == entry.size && status.modified == Int(entry.seconds)
            && status.modifiedNanoseconds == entry.nanoseconds
    }

    package func begin(_ entry: TransferEntry) throws(FileFault) -> EntryStart {
        let name = entry.path.lastIndex(of: UInt8(ascii: "/")).map { Array(entry.path[($0 + 1)...]) } ?? entry.path
        guard !PartFile.isReserved(name), !SmallFileBatch.isReserved(name) else {
            throw FileFault(
                .refusedName,
                "\(tree.text(entry.path)): courier gives such names to unfinished files; rename it, and send it again"
            )
        }
        // Both would be written into one file.
        guard entry.kind == .folder || taken.insert(entry.path) else {
            throw FileFault(
                .exists,
                "\(tree.text(entry.path)) comes twice in this transfer; send files of one name one after the other"
            )
        }
        do throws(SystemError) {
            switch entry.kind {
            case .folder: return try beginFolder(entry)
            case .symbolicLink: return try makeLink(entry)
            case .file: return try beginFile(entry)
            }
        } catch { throw fault(error, entry.path) }
    }

    private func beginFolder(_ entry: TransferEntry) throws(SystemError) -> EntryStart {
        if newFolders.contains(entry.path) { return .complete }
        if let status = try status(of: entry.path) {
            // Its permissions and times are its owner's.
            if status.kind == .folder { return .complete }
            throw SystemError(call: "mkdir", path: tree.text(entry.path), code: EEXIST)
        }
        try tree.inParent(of: entry.path) { (folder, name) throws(SystemError) in try folder.makeFolder(name) }
        folders.append(entry)
        newFolders.insert(entry.path)
        latestFolder = (entry.path, true)
        return .complete
    }

    private func makeLink(_ entry: TransferEntry) throws(SystemError) -> EntryStart {
        if let status = try status(of: entry.path) {
            if status.kind == .symbolicLink,
                try tree.inParent(
                    of: entry.path,
                    { (folder, name) throws(SystemError) in try folder.target(of: name) }
                ) == entry.target
            {
                return .skipped
            }
            if try resolve(entry, status) { return .skipped }
        }
        let replaces = replacing.contains(entry.number)
        try checkClaims(path(of: entry))
        try tree.inParent(of: path(of: entry)) { (folder, name) throws(SystemError) in
            if replaces { try folder.remove(name) }
            try folder.makeSymbolicLink(name, to: entry.target)
            try folder.setModified(name, seconds: entry.seconds, nanoseconds: entry.nanoseconds)
        }
        return .complete
    }

    private func beginFile(_ entry: TransferEntry) throws(SystemError) -> EntryStart {
        if let status = try status(of: entry.path) {
            if isUnchanged(entry, status) {
                try removePart(of: entry, if: status)
                return .skipped
            }
            if try resolve(entry, status) { return .skipped }
        }
        if entry.isSmall {
            try checkClaims(path(of: entry))
            batch.expect(path(of: entry))
            return .missing
        }
        entries[entry.number] = entry
        return try findPart(of: entry)
    }

    /// What another session receives gets its name at its end.
    private func checkClaims(_ path: [UInt8]) throws(SystemError) {
        if claims.isEmpty { return }
        let part = PartFile.path(of: path)
        guard claimed.contains(part) || !claims.contains(part) else {
            throw SystemError(call: "open", path: tree.text(path), code: EBUSY)
        }
    }

    private func findPart(of entry: TransferEntry) throws(SystemError) -> EntryStart {
        let path = path(of: entry)
        let part = PartFile.path(of: path)
        guard claims.take(part) else { throw SystemError(call: "open", path: tree.text(path), code: EBUSY) }
        claimed.insert(part)
        let found = try tree.inParent(of: path) { (folder, name) throws(SystemError) in
            try PartFile.find(name, size: entry.size, in: folder)
        }
        known[entry.number] = (KnownChunks(), false)
        guard case .chunks(let chunks, let isThisBoot, let damaged) = found, !chunks.isEmpty else { return .missing }
        if damaged > 0 {
            notices.append(
                "\(tree.text(entry.path)): \(damaged) records of its journal are damaged; their chunks come again"
            )
        }
        known[entry.number] = (chunks, true)
        return isThisBoot && !options.rehashes ? .partial(chunks) : .unproven(chunks)
    }

    /// A transfer may have ended after the file got its name and before its part was removed.
    private func removePart(of entry: TransferEntry, if status: FileStatus) throws(SystemError) {
        guard !entry.isSmall, status.links > 1 else { return }
        try tree.inParent(of: entry.path) { (folder, name) throws(SystemError) in
            let names = PartFile.names(of: name)
            guard try folder.status(of: names.part)?.isSameFile(as: status) == true else { return }
            try folder.remove(names.part)
            try? folder.remove(names.journal)
        }
    }

    /// Decides about a name that is taken. True: the entry is not wanted.
    private func resolve(_ entry: TransferEntry, _ status: FileStatus) throws(SystemError) -> Bool {
        switch conflicts {
        case .skip: return true
        case .overwrite where status.kind != .folder:
            replacing.insert(entry.number)
            return false
        case .rename:
            renamed[entry.number] = try freePath(entry.path)
            return false
        case .refuse, .overwrite: throw SystemError(call: "open", path: tree.text(entry.path), code: EEXIST)
        }
    }

    /// `name (2).txt`, or the first number from there on that is free.
    private func freePath(_ path: [UInt8]) throws(SystemError) -> [UInt8] {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let name = path[start...]
        let dot = name.dropFirst().lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex
        for number in 2...9_999 {
            let candidate = Array(path[..<dot]) + Array(" (\(number))".utf8) + Array(path[dot...])
            if !taken.contains(candidate), !claims.contains(PartFile.path(of: candidate)),
                try status(of: candidate) == nil
            {
                _ = taken.insert(candidate)
                return candidate
            }
        }
        throw SystemError(call: "open", path: tree.text(path), code: EEXIST)
    }

    // MARK: Large files

    package func write(
        _ bytes: RawSpan,
        _ value: BLAKE3.ChainingValue,
        of chunk: UInt64,
        in entry: UInt32
    ) throws(FileFault) {
        try using(entry) { (part) throws(SystemError) in try part.write(bytes, value, of: chunk) }
    }

    package func value(of chunk: UInt64, in entry: UInt32) throws(FileFault) -> BLAKE3.ChainingValue? {
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: BLAKE3.Piece.length) }
        let size = entries[entry]?.size ?? 0
        var buffer: [UInt8] = []
        swap(&buffer, &self.buffer)
        defer { swap(&buffer, &self.buffer) }
        return try using(entry) { (part) throws(SystemError) in
            try part.value(of: chunk, size: size, buffer: &buffer)
        }
    }

    package func keep(_ chunks: KnownChunks, of entry: UInt32) throws(FileFault) {
        open.removeAll { $0.entry == entry }
        known[entry] = (chunks, false)
        // Its journal now says that these were hashed at this boot.
        try using(entry) { (_) throws(SystemError) in }
    }

    package func finish(_ entry: TransferEntry) throws(FileFault) {
        try using(entry.number) { (part) throws(SystemError) in try part.complete(entry) }
        open.removeAll { $0.entry == entry.number }
        known[entry.number] = nil
        entries[entry.number] = nil
        let replaces = replacing.contains(entry.number)
        let path = path(of: entry)
        do throws(SystemError) {
            try tree.inParent(of: path) { (folder, name) throws(SystemError) in
                let names = PartFile.names(of: name)
                if replaces {
                    try folder.rename(names.part, to: name)
                } else {
                    // Unlike a renaming, this fails if there is a file meanwhile.
                    try folder.link(names.part, as: name)
                    try folder.remove(names.part)
                }
                try folder.remove(names.journal)
                if options.isDurable { try folder.synchronize() }
            }
        } catch { throw fault(error, path) }
        let part = PartFile.path(of: path)
        claimed.remove(part)
        claims.release(part)
    }

    private func using<Result>(
        _ entry: UInt32,
        _ body: (inout PartFile) throws(SystemError) -> Result
    ) throws(FileFault) -> Result {
        guard let target = entries[entry] else { preconditionFailure("an entry that was not begun") }
        let path = path(of: target)
        do throws(SystemError) {
            if let box = open.last(where: { $0.entry == entry })?.part { return try body(&box.part) }
            if open.count == mostOpen { open.removeFirst() }
            let (chunks, isContinued) = known[entry] ?? (KnownChunks(), false)
            let part = try tree.inParent(of: path) { (folder, name) throws(SystemError) in
                try PartFile.open(
                    name,
                    size: target.size,
                    known: chunks,
                    isContinued: isContinued,
                    isDurable: options.isDurable,
                    in: folder
                )
            }
            // If it has to be opened again.
            known[entry] = (chunks, true)
            let box = PartBox(part)
            open.append((entry, box))
            return try body(&box.part)
        } catch { throw fault(error, path + PartFile.suffix) }
    }

    // MARK: Small files

    package func store(_ bytes: RawSpan, as entry: TransferEntry) {
        let path = path(of: entry)
        do throws(SystemError) {
            try checkClaims(path)
            let writer = try startedWriter()
            try batch.begin(path, before: writer)
            writer.add(
                SmallFileWriter.Job(
                    entry: entry.number,
                    path: path,
                    bytes: [UInt8](bytes),
                    mode: mode_t(entry.mode & 0o777),
                    seconds: entry.seconds,
                    nanoseconds: entry.nanoseconds,
                    replaces: replacing.contains(entry.number)
                )
            )
        } catch { unwritten.append(StoredFile(entry: entry.number, fault: fault(error, path))) }
    }

    private func startedWriter() throws(SystemError) -> SmallFileWriter {
        if let writer { return writer }
        let started = try SmallFileWriter(in: tree, isDurable: options.isDurable)
        writer = started
        return started
    }

    package var hasStored: Bool { !unwritten.isEmpty || writer?.hasMade == true }

    package func takeStored() -> [StoredFile] {
        defer { unwritten = [] }
        guard let writer else { return unwritten }
        return unwritten
            + writer.takeMade().map { made in
                StoredFile(entry: made.entry, fault: made.error.map { fault($0, made.path) })
            }
    }

    // MARK: The end

    package func end() -> Bool {
        // Its sender took back what is being made.
        if let writer, writer.pending > 0 { return false }
        batch.end()
        let until = KernelClock.monotonic + Self.longestEnd
        // The innermost first, because a folder's time changes with its content.
        while let entry = folders.popLast() {
            do throws(SystemError) {
                try tree.inFolder(entry.path) { (folder) throws(SystemError) in
                    try folder.setOwn(
                        mode: mode_t(entry.mode & 0o777),
                        seconds: entry.seconds,
                        nanoseconds: entry.nanoseconds
                    )
                }
            } catch { notices.append("cannot set the permissions of \(tree.text(entry.path)): \(error.reason)") }
            if KernelClock.monotonic >= until { return folders.isEmpty }
        }
        return true
    }

    private func fault(_ error: SystemError, _ path: [UInt8]) -> FileFault {
        let text = tree.text(path)
        switch error.code {
        case EEXIST:
            return FileFault(
                .exists,
                "\(text) exists; move it away, receive into another folder with --to, or say --on-conflict"
            )
        case ELOOP, ENOTDIR:
            return FileFault(
                .refusedName,
                "cannot write \(text): a symbolic link or a file is where its folder should be; move that away"
            )
        default: break
        }
        let remedy =
            switch error.code {
            case ENOSPC, EDQUOT: "free space there, and send it again: what has arrived is kept"
            case EBUSY: "another machine is sending it; try again later"
            case ENOENT: "its folder is gone; create it, and send it again"
            case ENAMETOOLONG: "the path is too long here; receive into another folder with --to"
            default: "check the folder, or receive into another one with --to"
            }
        return FileFault(.unwritable, "cannot write \(text): \(error.reason); \(remedy)")
    }
}
