public import Glibc

/// The kernel's clocks in nanoseconds. Public, because only public bodies are inlined into other modules' loops.
public enum KernelClock {
    /// For schedules, rates and deadlines: never steps.
    @inlinable @inline(__always)
    public static var monotonic: Int64 { self.read(CLOCK_MONOTONIC) }
    /// For timestamps to compare with another machine's or with the kernel's receive timestamps; may step.
    @inlinable @inline(__always)
    public static var realtime: Int64 { self.read(CLOCK_REALTIME) }
    /// Processor time of the calling thread.
    package static var threadProcessorTime: Int64 { self.read(CLOCK_THREAD_CPUTIME_ID) }

    /// Blocks the calling thread for about this long; a signal may end it sooner.
    package static func sleep(_ nanoseconds: Int64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe nanosleep(&time, nil)  // only reads the time
    }

    @inlinable @inline(__always)
    static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)  // fails only for a clock that does not exist
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
