internal import CLinux

/// How many descriptors this process may have open.
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one, which is what the owner of the machine really allows: the soft one is kept low
    /// for programs that use select(2). Returns the limit then in force; POSIX's least, 20, when the kernel tells none.
    package static func raise() -> Int {
        // A process that may not raise it lives with what it has.
        _ = outpost_raise_file_limit()
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        // The call fills memory of ours.
        guard unsafe outpost_file_limit(&soft, &hard) == 0 else { return 20 }
        return Int(clamping: soft)
    }
}
