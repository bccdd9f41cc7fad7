internal import Files
internal import Glibc
internal import SystemErrors

/// /proc, without which the runtime under every Swift program ends it at some point: once a second libdispatch reads
/// the state of its threads there, and traps if it cannot.
package enum ProcessFileSystem {
    package struct Missing: Error, CustomStringConvertible {
        let path: String
        let reason: String

        package var description: String {
            "cannot read \(path) (\(reason)): this program needs /proc of its own process namespace. In a chroot run "
                + "`mount -t proc proc ROOT/proc` first; start a container with /proc mounted"
        }
    }

    /// Throws unless the state of this process's threads can be read there. Call it before anything waits.
    package static func require() throws(Missing) {
        let path = "/proc/\(getpid())/task/\(getpid())/stat"
        do throws(SystemError) {
            _ = try Descriptor.open(path, flags: O_RDONLY)
        } catch {
            throw Missing(path: path, reason: SystemError.reason(of: error.code))
        }
    }
}
