internal import Glibc

/// The descriptors 0, 1 and 2 of the process.
package enum StandardStreams {
    /// Opens /dev/null in place of a closed one. Call it first: the next file to be opened would get that number, and
    /// output for the terminal would go into it.
    package static func openMissing() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
