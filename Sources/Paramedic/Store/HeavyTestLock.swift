internal import Glibc
internal import Operations
internal import SystemErrors

/// One heavy test at a time on this machine: a second would measure the first.
package final class HeavyTestLock: Sendable {
    private let descriptor: Int32

    /// Throws when another process holds it, or when there can be no such file. The kernel lets go of it when the process
    /// ends.
    package init(folder: String) throws {
        let path = folder + "/heavy-test.lock"
        // In a constant of its own: once the property is set, a throw runs `deinit` too, which would close the number twice.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ParamedicError.noLock(path: path, reason: SystemError.reason(of: errno))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw ParamedicError.anotherTestRuns(path) }
            throw ParamedicError.noLock(path: path, reason: SystemError.reason(of: code))
        }
        self.descriptor = descriptor
    }

    deinit {
        // A child that was forked and has not executed its program yet shares the lock until then.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
