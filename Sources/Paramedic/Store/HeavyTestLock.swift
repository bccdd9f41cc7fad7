internal import Files
internal import SystemErrors

/// One heavy test at a time on this machine: a second one would measure the first.
package final class HeavyTestLock: Sendable {
    private let lock: FileLock

    /// Throws if another process holds it, or if the file cannot be created.
    package init(folder: String) throws {
        let path = folder + "/heavy-test.lock"
        do throws(FileLock.Failure) {
            lock = try FileLock(path)
        } catch {
            switch error {
            case .isHeld: throw ParamedicError.anotherTestRuns(path)
            case .unusable(let reason): throw ParamedicError.noLock(path: path, reason: reason.reason)
            }
        }
    }
}
