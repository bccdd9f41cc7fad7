internal import CLinux
internal import Glibc

/// How many descriptors this process may have open.
package enum DescriptorLimit {
    package struct TooLow: Error, CustomStringConvertible {
        let needed: Int
        let free: Int
        let limit: Int

        package var description: String {
            "too few files can be open: the limit is \(limit), of which \(free) are free, and this program needs \(needed) of its "
                + "own; raise it with `ulimit -n` or, for a service, LimitNOFILE="
        }
    }

    /// What the runtime opens at some point, and ends the process if it cannot: libdispatch for its signals, its timers
    /// of three clocks and its manager; and what the process has open meanwhile, such as its database.
    private static let ofRuntime = 32
    /// Three for each event loop (epoll, eventfd, timerfd), in two groups with one loop per core each.
    private static let perCore = 6

    /// Raises the soft limit to the hard limit, which is what the machine's owner really allows: the soft limit is low
    /// for programs that use select(2). Returns the limit now in force; POSIX's minimum, 20, if the kernel reports
    /// none.
    package static func raise() -> Int {
        // A process that may not raise it keeps what it has.
        _ = outpost_raise_file_limit()
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        // The call fills memory of ours.
        guard unsafe outpost_file_limit(&soft, &hard) == 0 else { return 20 }
        return Int(clamping: soft)
    }

    /// Throws unless the runtime can open what it needs. Call it before anything waits: later the process would crash.
    package static func require() async throws {
        let limit = raise()
        let cores = max(2, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let needed = ofRuntime + perCore * cores
        let free = countFree(upTo: needed)
        guard free >= needed else { throw TooLow(needed: needed, free: free, limit: limit) }
        // libdispatch opens a timer at the first wait on its clock.
        try await Task.sleep(for: .nanoseconds(1), clock: .continuous)
        try await Task.sleep(for: .nanoseconds(1), clock: .suspending)
    }

    private static func countFree(upTo count: Int) -> Int {
        var opened: [Int32] = []
        defer { for descriptor in opened { _ = Glibc.close(descriptor) } }
        while opened.count < count {
            let descriptor = dup(STDIN_FILENO)
            guard descriptor >= 0 else { break }
            opened.append(descriptor)
        }
        return opened.count
    }
}
