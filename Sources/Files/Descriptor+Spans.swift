internal import Glibc
package import SystemErrors

extension Descriptor {
    /// Fills `bytes` from `offset` on. Returns how many there were: fewer only at the end of the file.
    @inline(never)
    package borrowing func read(into bytes: inout MutableRawSpan, at offset: Int64) throws(SystemError) -> Int {
        var done = 0
        while done < bytes.byteCount {
            // The pointer is inside the span and is not kept.
            let (result, code) = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let result = unsafe Glibc.pread(raw, rest.baseAddress, rest.count, Int(offset) + done)
                return (result, errno)
            }
            if result > 0 {
                done += result
            } else if result == 0 {
                return done
            } else if code != EINTR {
                throw SystemError(call: "read", path: path, code: code)
            }
        }
        return done
    }

    /// Writes all of `bytes` at `offset`.
    @inline(never)
    package borrowing func write(_ bytes: RawSpan, at offset: Int64) throws(SystemError) {
        var done = 0
        while done < bytes.byteCount {
            // The pointer is inside the span and is not kept.
            let (result, code) = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
                let result = unsafe Glibc.pwrite(raw, rest.baseAddress, rest.count, Int(offset) + done)
                return (result, errno)
            }
            if result > 0 {
                done += result
            } else if result == 0 || code != EINTR {
                throw SystemError(call: "pwrite", path: path, code: result == 0 ? EIO : code)
            }
        }
    }

    /// `UTIME_OMIT`, a macro that Swift does not see: the time of the last access stays.
    private static let leaveTime = (1 << 30) - 2

    /// Sets when the content last changed, seconds and nanoseconds since 1970.
    @inline(never)
    package borrowing func setModified(seconds: Int64, nanoseconds: UInt32) throws(SystemError) {
        let times = Self.times(seconds: seconds, nanoseconds: nanoseconds)
        // Both are read during the call.
        let failed = unsafe times.withUnsafeBufferPointer { unsafe futimens(raw, $0.baseAddress) } != 0
        let code = errno
        if failed { throw SystemError(call: "futimens", path: path, code: code) }
    }

    /// For calls that set when the content last changed.
    static func times(seconds: Int64, nanoseconds: UInt32) -> [timespec] {
        [
            timespec(tv_sec: 0, tv_nsec: leaveTime),
            timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)),
        ]
    }
}
