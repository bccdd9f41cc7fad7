internal import CLinux

/// What the process keeps of the system's memory.
package enum ProcessMemory {
    /// Once, as early as can be: keep little of what is freed.
    package static func beFrugal() { outpost_memory_frugal() }

    /// After a burst: give back what is free.
    package static func giveBack() { outpost_memory_trim() }
}
