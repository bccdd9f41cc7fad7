internal import CLinux
internal import Synchronization

/// How much memory the process keeps from the system.
package enum ProcessMemory {
    private static let isReturning = Atomic(false)

    /// Keeps little of what is freed. Call it once, before a second thread starts.
    package static func limitRetention() { outpost_memory_frugal() }

    /// Returns free memory after a burst: in two seconds, when the connections that end now have freed their buffers.
    package static func trimSoon() {
        guard !isReturning.exchange(true, ordering: .relaxed) else { return }
        Task {
            try? await Task.sleep(for: .seconds(2))
            isReturning.store(false, ordering: .relaxed)
            outpost_memory_trim()
        }
    }
}
