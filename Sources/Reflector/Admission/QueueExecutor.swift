internal import Dispatch

/// Runs an actor on a serial queue of its own, so that it may wait for the disk without blocking a thread that other
/// tasks need.
final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) {
        self.queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async {
            // The block retains the executor while the job runs.
            unsafe job.runSynchronously(on: self.asUnownedSerialExecutor())
        }
    }
}
