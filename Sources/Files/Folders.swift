internal import Glibc
package import SystemErrors

/// Folders of the user's choice, which others may share.
package enum Folders {
    /// Creates a folder and its missing parents, with the permissions that this process gives new ones. One that is
    /// there stays as it is, also if a symbolic link leads to it.
    package static func create(_ path: String) throws(SystemError) {
        guard !path.isEmpty else { throw SystemError(call: "mkdir", path: path, code: ENOENT) }
        if let status = try? FileStatus.following(path) {
            guard status.kind == .folder else { throw SystemError(call: "mkdir", path: path, code: ENOTDIR) }
            return
        }
        do throws(SystemError) { try make(path) } catch {
            if error.code == EEXIST, (try? FileStatus.following(path))?.kind == .folder { return }
            guard error.code == ENOENT, let parent = StateFiles.folder(of: path), parent != path else { throw error }
            try create(parent)
            do throws(SystemError) { try make(path) } catch  where error.code == EEXIST {}
        }
    }

    @inline(never)
    private static func make(_ path: String) throws(SystemError) {
        try Descriptor.refuseZero(in: path, call: "mkdir")
        // The bridged string lives for the call.
        let failed = unsafe mkdir(path, 0o777) != 0
        let code = errno
        if failed { throw SystemError(call: "mkdir", path: path, code: code) }
    }
}

extension FileStatus {
    /// Whether it is a file that no other user but root can have written, under this name alone.
    package var isOwnFile: Bool {
        kind == .file && links == 1 && owner == geteuid() && mode & 0o022 == 0
    }
}
