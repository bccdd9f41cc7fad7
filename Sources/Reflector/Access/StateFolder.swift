internal import Files
internal import Glibc
internal import Operations
internal import SystemErrors

/// The folder of a server's state, locked for one server at a time.
final class StateFolder: Sendable {
    let path: String
    private let lock: Int32

    /// Makes the folder when it is missing; throws when another server uses it.
    init(claiming path: String) throws {
        try Self.make(path)
        let file = path + "/reflector.lock"
        // The kernel lets go of the lock when the process ends, however it ends.
        let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = SystemError.reason(of: errno)
            throw StateFolderError(message: "cannot open \(file): \(reason); run as the folder's owner, \(Self.remedy)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StateFolderError(
                message:
                    "another reflector runs on the state folder \(path); stop it, or give another folder with --state"
            )
        }
        self.path = path
        self.lock = descriptor
    }

    private static let remedy =
        "or give a folder of your own with --state (or set REFLECTOR_IDENTITY_PRIVATE_KEY_PATH to a file in it)"

    /// Makes the folder when it is missing, and says which setting chooses another when it may not be used.
    static func make(_ path: String) throws {
        do throws(FileError) {
            try StateFiles.createFolder(path)
        } catch {
            guard [EACCES, EPERM, EROFS].contains(error.code) else { throw error }
            throw StateFolderError(message: "\(error), \(remedy)")
        }
    }

    /// Lets the next server in, at once: a child that was forked and has not executed its program yet shares the lock, and
    /// closing alone would leave it to that child.
    func release() { flock(lock, LOCK_UN) }

    deinit {
        release()
        close(lock)
    }
}

package struct StateFolderError: Error, CustomStringConvertible {
    let message: String

    package var description: String { message }
}
