internal import Glibc

/// Processor time used by a process, in seconds.
package struct CPUTime: Sendable, Equatable {
    package var seconds: Double

    /// This process, all its threads.
    package static func process() -> CPUTime {
        var usage = rusage()
        // Fails only for an unknown target.
        _ = unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
        let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
        let system = Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
        return CPUTime(seconds: user + system)
    }

    package static func - (later: CPUTime, earlier: CPUTime) -> CPUTime {
        CPUTime(seconds: later.seconds - earlier.seconds)
    }
}
