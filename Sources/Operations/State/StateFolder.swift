internal import Files
internal import Glibc
internal import SystemErrors

/// The folder of a server's state, locked for one server at a time.
package final class StateFolder: Sendable {
    /// The program that owns the folder, and how its user chooses another.
    package struct Owner: Sendable {
        /// The program, for example `reflector`; used in the lock's name and in errors.
        package let program: String
        /// How to use another folder, for example "give a folder of your own with --state".
        package let advice: String

        package init(program: String, advice: String) {
            self.program = program
            self.advice = advice
        }
    }

    package let path: String
    private let lock: FileLock

    /// Creates the folder if it is missing; throws ``StateFolderError`` if another server uses it.
    package init(claiming path: String, for owner: Owner) throws {
        try Self.make(path, for: owner)
        let file = "\(path)/\(owner.program).lock"
        do throws(FileLock.Failure) {
            lock = try FileLock(file)
        } catch {
            switch error {
            case .isHeld:
                throw StateFolderError(
                    message: "another \(owner.program) runs on the state folder \(path); stop it, or \(owner.advice)"
                )
            case .unusable(let reason):
                throw StateFolderError(
                    message: "cannot open \(file): \(reason.reason); run as the folder's owner, or \(owner.advice)"
                )
            }
        }
        self.path = path
    }

    /// Creates the folder if it is missing, and says how to choose another one if it cannot be used.
    package static func make(_ path: String, for owner: Owner) throws {
        do throws(FileError) {
            try StateFiles.createFolder(path)
        } catch {
            guard [EACCES, EPERM, EROFS].contains(error.code) else { throw error }
            throw StateFolderError(message: "\(error), or \(owner.advice)")
        }
    }

    /// Admits the next server at once.
    package func release() { lock.release() }
}

package struct StateFolderError: Error, CustomStringConvertible {
    let message: String

    package var description: String { message }
}
