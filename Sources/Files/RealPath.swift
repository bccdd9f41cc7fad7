internal import Glibc
package import SystemErrors

/// The absolute path of something that exists, without symbolic links, `.` and `..`.
package enum RealPath {
    @inline(never)
    package static func of(_ path: String) throws(SystemError) -> [UInt8] {
        try Descriptor.refuseZero(in: path, call: "realpath")
        // The bridged string lives for the call; the result is allocated by libc, and freed here.
        guard let result = unsafe realpath(path, nil) else {
            throw SystemError(call: "realpath", path: path, code: errno)
        }
        defer { unsafe free(result) }
        return unsafe Array(UnsafeRawBufferPointer(start: result, count: strlen(result)))
    }
}
