internal import Glibc

/// The descriptors 0, 1 and 2 of the process.
package enum StandardStreams {
    /// Puts /dev/null where one is closed. Call it first: whatever is opened next would get that number, and what is meant
    /// for the terminal would go there.
    package static func occupy() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
