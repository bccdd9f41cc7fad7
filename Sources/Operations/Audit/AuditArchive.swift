internal import Files
internal import Glibc
package import SystemErrors

/// A part of the log that rotation closed: `<log>.FIRST-LAST`, the numbers of its lines with 12 digits.
///
/// Numbering continues in the next file. Its first line is `audit_rotated` and carries the hash of this file's last
/// line, so the files in order are one chain. If old files are moved away, the chain starts with such a line.
package struct AuditArchive: Equatable, Sendable {
    /// The event that opens the file after a rotation.
    package static let rotatedEvent = "audit_rotated"
    /// The event for a log that was accepted without a valid checkpoint.
    package static let repairedEvent = "audit_repaired"
    private static let digits = 12

    package let path: String
    package let first: Int64
    package let last: Int64

    /// The file's name without its folder.
    package var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    init(ofLog log: String, first: Int64, last: Int64) {
        self.path = "\(log).\(AuditArchive.text(first))-\(AuditArchive.text(last))"
        self.first = first
        self.last = last
    }

    private static func text(_ number: Int64) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, AuditArchive.digits - digits.count)) + digits
    }

    /// The archives beside the log, oldest first.
    package static func all(ofLog log: String) throws(SystemError) -> [AuditArchive] {
        let folder = StateFiles.folder(of: log) ?? "."
        guard let name = log.split(separator: "/").last else { return [] }
        let prefix = name + "."
        let names: [String]
        do throws(SystemError) {
            names = try FolderListing.names(in: folder)
        } catch {
            if error.code == ENOENT { return [] }
            throw error
        }
        var archives: [AuditArchive] = []
        for name in names where name.hasPrefix(prefix) {
            let numbers = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
            guard numbers.count == 2, let first = Int64(numbers[0]), let last = Int64(numbers[1]) else { continue }
            let archive = AuditArchive(ofLog: log, first: first, last: last)
            // A number in another format is not a file of this log.
            if archive.name == name, first > 0, first <= last { archives.append(archive) }
        }
        return archives.sorted { ($0.first, $0.last) < ($1.first, $1.last) }
    }
}

/// The files of a log in the order of their lines, also while a process writes and rotates it.
struct AuditFileSequence {
    let archives: [AuditArchive]
    /// The file that is written; nil if a rotation was interrupted before it was created.
    let present: AuditDiskFile?

    init(ofLog path: String) throws(SystemError) {
        // The current file first: if it is rotated after this, it also appears as an archive, and is left out there.
        var present: AuditDiskFile?
        var missing: SystemError?
        do throws(SystemError) {
            present = try AuditDiskFile(reading: path)
        } catch {
            if error.code != ENOENT { throw error }
            missing = error
        }
        var archives = try AuditArchive.all(ofLog: path)
        if let status = try present?.status(),
            let index = archives.firstIndex(where: { archive in
                (try? FileStatus.ofLink(at: archive.path))?.isSameFile(as: status) ?? false
            })
        {
            archives.removeSubrange(index...)
        }
        if archives.isEmpty, let missing { throw missing }
        self.archives = archives
        self.present = present
    }
}
