internal import Cryptography
package import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// A folder of this machine that receives files.
///
/// A file is written as `NAME.courier-part` and gets its name when it is verified. It never replaces a file.
package final class DiskSink: FileSink {
    private static let suffix = ".courier-part"

    private let folder: String
    private var openEntry: UInt32?
    private var file: Descriptor?
    private var names: [UInt32: String] = [:]
    /// All paths of the transfer.
    private var taken: Set<String> = []

    /// - Parameter folder: exists, and no other process receives into it: see ``FileReceiving``.
    package init(into folder: String) { self.folder = folder }

    package func begin(_ entry: TransferEntry) throws(FileFault) -> [Range<UInt64>] {
        guard entry.kind == .file, !entry.path.contains(UInt8(ascii: "/")) else {
            throw FileFault(.refusedName, "folders cannot be received yet")
        }
        guard let name = String(validating: entry.path, as: UTF8.self) else {
            throw FileFault(.refusedName, "a name that is not UTF-8 cannot be received yet")
        }
        // The part of another file could have that name.
        guard !name.hasSuffix(Self.suffix) else {
            throw FileFault(
                .refusedName,
                "\(name) ends in \(Self.suffix), as unfinished files do; rename it, and send it again"
            )
        }
        let path = folder + "/" + name
        // Both would be written into one file.
        if taken.contains(path) {
            throw FileFault(.exists, "\(path) comes twice in this transfer; send files of one name one after the other")
        }
        if (try? FileStatus.ofLink(at: path)) != nil {
            throw FileFault(.exists, "\(path) exists; move it away, or receive into another folder with --to")
        }
        names[entry.number] = path
        taken.insert(path)
        do throws(SystemError) {
            let part = try Descriptor.open(path + Self.suffix, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
            try part.truncate(to: Int64(entry.size))
        } catch { throw Self.fault(error, path + Self.suffix) }
        return [0..<BLAKE3.Piece.count(of: entry.size)]
    }

    package func write(_ bytes: RawSpan, of entry: UInt32, at offset: UInt64) throws(FileFault) {
        let path = (names[entry] ?? "") + Self.suffix
        do throws(SystemError) {
            try open(entry, path)
            try file?.write(bytes, at: Int64(offset))
        } catch { throw Self.fault(error, path) }
    }

    package func finish(_ entry: TransferEntry, digest: [UInt8]) throws(FileFault) {
        let path = names[entry.number] ?? ""
        do throws(SystemError) {
            try open(entry.number, path + Self.suffix)
            try file?.setMode(mode_t(entry.mode & 0o777))
            try file?.setModified(seconds: entry.seconds, nanoseconds: entry.nanoseconds)
            openEntry = nil
            file = nil
            // Unlike a renaming, this fails if there is a file meanwhile.
            try StateFiles.link(path + Self.suffix, as: path)
            try StateFiles.remove(path + Self.suffix)
        } catch { throw Self.fault(error, path) }
        names[entry.number] = nil
    }

    private func open(_ entry: UInt32, _ path: String) throws(SystemError) {
        guard openEntry != entry else { return }
        file = try Descriptor.open(path, flags: O_RDWR | O_NOFOLLOW)
        openEntry = entry
    }

    private static func fault(_ error: SystemError, _ path: String) -> FileFault {
        let remedy =
            switch error.code {
            case ENOSPC, EDQUOT: "free space there, and send it again"
            case EEXIST: "move that file away, and send it again"
            case ENOENT: "its folder is gone; create it, and send it again"
            default: "check the folder, or receive into another one with --to"
            }
        return FileFault(.unwritable, "cannot write \(path): \(error.reason); \(remedy)")
    }
}
