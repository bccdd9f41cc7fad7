internal import Glibc
package import SystemErrors

/// A file that cannot be used, and the remedy.
package struct FileError: Error, Equatable, CustomStringConvertible {
    package var path: String
    /// What went wrong, without the path.
    package var problem: String
    /// What the user can do about it.
    package var remedy: String
    /// `errno`; 0 if no call failed.
    package var code: Int32

    package init(path: String, problem: String, remedy: String, code: Int32 = 0) {
        self.path = path
        self.problem = problem
        self.remedy = remedy
        self.code = code
    }

    package var description: String { "\(path): \(problem); \(remedy)" }

    /// Turns a failed call into a sentence with a remedy.
    /// - Parameter fallback: the path if the error has none.
    package init(_ error: SystemError, orPath fallback: String) {
        self.init(error, path: error.path.isEmpty ? fallback : error.path)
    }

    package init(_ error: SystemError, path: String? = nil) {
        let path = path ?? error.path
        let remedy =
            switch error.code {
            case ENOENT where FileStatus.isFolder(StateFiles.folder(of: path) ?? "."):
                "correct the path"
            case ENOENT: "create its folder, or correct the path"
            case EACCES, EPERM: "run as the user that owns it, or correct its owner and mode"
            case ELOOP: "it is a symbolic link; give the path of the file itself"
            case EADDRINUSE: "another file has this name; move it away"
            case EEXIST: "it already exists; remove it or choose another path"
            case ENOSPC, EDQUOT, EFBIG: "free space on that file system or raise the quota"
            case EROFS: "the file system is read-only; choose a path that can be written"
            case EISDIR: "it is a folder; give the path of a file"
            case ENOTDIR: "part of the path is not a folder, or is a symbolic link; correct the path"
            case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
            case EIO: "the device reports errors; check the kernel log (dmesg) and replace the disk"
            case ENAMETOOLONG: "shorten the path"
            default: "see `man 2 \(error.call)`"
            }
        self.init(path: path, problem: "\(error.call): \(error.reason)", remedy: remedy, code: error.code)
    }
}
