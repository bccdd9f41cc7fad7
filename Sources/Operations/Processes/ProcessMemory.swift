internal import CLinux
internal import Synchronization

/// What the process keeps of the system's memory.
package enum ProcessMemory {
    private static let isReturning = Atomic(false)

    /// Keeps little of what is freed. Once, before a second thread is started.
    package static func beFrugal() { outpost_memory_frugal() }

    /// Gives back what is free, after a burst: in two seconds, when connections that end now have let go of their buffers.
    package static func giveBackSoon() {
        guard !isReturning.exchange(true, ordering: .relaxed) else { return }
        Task {
            try? await Task.sleep(for: .seconds(2))
            isReturning.store(false, ordering: .relaxed)
            outpost_memory_trim()
        }
    }
}
