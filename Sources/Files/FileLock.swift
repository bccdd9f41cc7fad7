internal import Glibc
package import SystemErrors

/// A file or folder that one process at a time holds locked.
///
/// The kernel releases the lock when the process ends, however it ends.
package final class FileLock: Sendable {
    package enum Failure: Error, Equatable {
        /// Another process has it.
        case isHeld
        case unusable(SystemError)
    }

    private let file: Descriptor

    /// Creates the file if it is missing, mode 0600, never through a symbolic link, and locks it. Does not wait.
    package init(_ path: String) throws(Failure) {
        do throws(SystemError) {
            file = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        } catch { throw .unusable(error) }
        guard flock(file.raw, LOCK_EX | LOCK_NB) != 0 else { return }
        let code = errno
        throw code == EWOULDBLOCK ? .isHeld : .unusable(SystemError(call: "flock", path: path, code: code))
    }

    /// Locks a folder that exists. Blocks the thread while another process holds it.
    ///
    /// - Parameter tries: how often to try, each time 10 ms after the one before; then the folder is held.
    package init(folder path: String, tries: Int) throws(Failure) {
        do throws(SystemError) {
            file = try Descriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
        } catch { throw .unusable(error) }
        var left = tries
        while flock(file.raw, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            guard code == EWOULDBLOCK else { throw .unusable(SystemError(call: "flock", path: path, code: code)) }
            left -= 1
            guard left > 0 else { throw .isHeld }
            usleep(10_000)
        }
    }

    /// Admits the next process at once: a forked child that has not executed its program yet shares the lock, and
    /// closing alone would leave it to that child.
    package func release() { flock(file.raw, LOCK_UN) }

    deinit { release() }
}
