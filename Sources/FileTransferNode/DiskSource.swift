package import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// Files of this machine that are sent.
package final class DiskSource: FileSource {
    /// Where each entry's file is, by the entry's number.
    private let paths: [String]
    private var openEntry: UInt32?
    private var file: Descriptor?

    package init(_ paths: [String]) { self.paths = paths }

    /// The entries of these paths.
    ///
    /// - Throws: ``FileFault`` for a path that cannot be sent.
    package static func entries(of paths: [String]) throws(FileFault) -> [TransferEntry] {
        var entries: [TransferEntry] = []
        for path in paths {
            let status: FileStatus
            do throws(SystemError) { status = try FileStatus.following(path) } catch {
                throw FileFault(.unreadable, "cannot read \(path): \(error.reason); correct the path")
            }
            guard status.kind == .file else {
                let what = status.kind == .folder ? "a folder" : "neither a file nor a folder"
                throw FileFault(.unreadable, "\(path) is \(what), which cannot be sent yet; send files")
            }
            let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
            guard TransferEntry.isSafe(name) else {
                throw FileFault(
                    .refusedName,
                    "\(path) has no name that a receiver could give it; send it from its folder"
                )
            }
            entries.append(
                TransferEntry(
                    number: UInt32(entries.count),
                    kind: .file,
                    mode: UInt32(status.mode),
                    seconds: Int64(status.modified),
                    nanoseconds: status.modifiedNanoseconds,
                    size: UInt64(status.size),
                    path: name
                )
            )
        }
        return entries
    }

    package func read(
        _ entry: UInt32,
        at offset: UInt64,
        into bytes: inout MutableRawSpan
    ) throws(FileFault) -> Int {
        do throws(SystemError) {
            if openEntry != entry {
                file = try Descriptor.open(paths[Int(entry)], flags: O_RDONLY | O_NONBLOCK)
                openEntry = entry
            }
            return try file?.read(into: &bytes, at: Int64(offset)) ?? 0
        } catch {
            throw FileFault(.unreadable, "cannot read \(paths[Int(entry)]): \(error.reason)")
        }
    }
}
