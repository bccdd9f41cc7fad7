internal import Cryptography
internal import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// The values of the chunks of files that were sent in part, in the user's state folder: a later transfer then reads
/// only the chunks that the receiver lacks.
///
/// They count only for the same file in the same state at the same boot. Without the folder, chunks are hashed again.
final class KnownValues {
    /// Smaller files are hashed in a few milliseconds.
    private static let smallestFile: UInt64 = 4 << 20
    /// Files in the folder; the oldest go first.
    private static let mostFiles = 128

    private let folder: String
    private(set) var entry: UInt32?
    private var path = ""
    private var chunks = KnownChunks()
    private var journal: JournalBox?

    private final class JournalBox {
        var journal: ChunkJournal
        init(_ journal: consuming ChunkJournal) { self.journal = journal }
    }

    init(in folder: String) {
        self.folder = folder
        removeOldest()
    }

    func isWorthKeeping(_ size: UInt64) -> Bool { size >= Self.smallestFile }

    /// Goes to the values of a file.
    func open(_ status: FileStatus, for entry: UInt32) {
        close(for: entry)
        let subject = ChunkJournal.Subject(status)
        var name = "\(status.device)-\(status.inode)"
        name += ".values"
        path = folder + "/" + name
        do throws(SystemError) {
            guard (try? StateFiles.createFolder(folder)) != nil else { return }
            let file = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
            // Another transfer of the same file keeps them.
            guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else { return }
            if case .chunks(let known, true, _) = try ChunkJournal.read(file, about: subject) {
                chunks = known
                journal = JournalBox(try ChunkJournal.proceed(file))
            } else {
                journal = JournalBox(try ChunkJournal.begin(file, about: subject))
            }
        } catch {}
    }

    /// An entry without values.
    func close(for entry: UInt32) {
        self.entry = entry
        chunks = KnownChunks()
        journal = nil
        path = ""
    }

    func value(of chunk: UInt64) -> BLAKE3.ChainingValue? { chunks.value(of: chunk) }

    func keep(_ value: BLAKE3.ChainingValue, of chunk: UInt64) { try? journal?.journal.add(chunk, value) }

    func remove() {
        if journal != nil { try? StateFiles.remove(path) }
        journal = nil
        chunks = KnownChunks()
    }

    private func removeOldest() {
        let paths = ((try? FolderListing.names(in: folder)) ?? []).filter { $0.hasSuffix(".values") }.map {
            folder + "/" + $0
        }
        guard paths.count > Self.mostFiles else { return }
        let aged = paths.map { (path: $0, modified: (try? FileStatus.ofLink(at: $0).modified) ?? 0) }
        for (path, _) in aged.sorted(by: { $0.modified < $1.modified }).prefix(paths.count - Self.mostFiles) {
            try? StateFiles.remove(path)
        }
    }
}
