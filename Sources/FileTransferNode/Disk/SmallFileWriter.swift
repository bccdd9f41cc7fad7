internal import Files
internal import Glibc
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// Makes small files on a thread of its own, one at a time, in their order: that takes half of a receiver's time, and
/// on a slow disk other sessions would wait for it.
///
/// All but the thread's own work is for one other thread.
final class SmallFileWriter {
    /// A file to make. Its folder is there.
    struct Job: Sendable {
        let entry: UInt32
        let path: [UInt8]
        let bytes: [UInt8]
        let mode: mode_t
        let seconds: Int64
        let nanoseconds: UInt32
        let replaces: Bool
    }

    struct Made: Sendable {
        let entry: UInt32
        let path: [UInt8]
        let error: SystemError?
    }

    private struct State: ~Copyable {
        /// The target folder, until the thread has taken it.
        var root: OpenFolder?
        var jobs: ArraySlice<Job> = []
        var made: [Made] = []
        var isWaiting = false
        var isStopped = false
    }

    private final class Shared: Sendable {
        let state: Mutex<State>
        let wakeUp: WakeUp
        let isDurable: Bool

        init(_ root: consuming OpenFolder, isDurable: Bool) throws(SystemError) {
            state = Mutex(State(root: root))
            wakeUp = try WakeUp()
            self.isDurable = isDurable
        }
    }

    /// Nanoseconds between two looks of ``finishAll()``.
    private static let pause: Int64 = 200_000

    private let shared: Shared
    private let thread: WorkThread<Void>
    /// Those that were added, and whose result was not taken.
    private(set) var pending = 0

    /// - Parameter isDurable: each file is on the disk when it counts as made.
    init(in tree: FolderTree, isDurable: Bool) throws(SystemError) {
        let shared = try Shared(tree.reopenedRoot(), isDurable: isDurable)
        self.shared = shared
        thread = try WorkThread("small files") { Self.run(shared) }
    }

    deinit { stop() }

    func add(_ job: Job) {
        pending += 1
        let isToWake = shared.state.withLock { state in
            state.jobs.append(job)
            defer { state.isWaiting = false }
            return state.isWaiting
        }
        if isToWake { shared.wakeUp.signal() }
    }

    var hasMade: Bool { pending > 0 && shared.state.withLock { !$0.made.isEmpty } }

    /// Those that were made, or cannot be, since the last call.
    func takeMade() -> [Made] {
        if pending == 0 { return [] }
        let made = shared.state.withLock { state in
            defer { state.made = [] }
            return state.made
        }
        pending -= made.count
        return made
    }

    /// Waits until nothing is being made.
    func finishAll() {
        while shared.state.withLock({ $0.made.count < pending }) { KernelClock.sleep(Self.pause) }
    }

    /// Forgets what was not begun. Returns when nothing is being made.
    func stop() {
        shared.state.withLock { state in
            state.isStopped = true
            state.jobs = []
        }
        shared.wakeUp.signal()
        thread.join()
    }

    // MARK: On its thread

    private static func run(_ shared: Shared) {
        guard let root = shared.state.withLock({ $0.root.take() }) else { return }
        let tree = FolderTree(root)
        var wait = PollSet(shared.wakeUp)
        var last: Made?
        while true {
            let (job, isStopped) = shared.state.withLock { state in
                if let last { state.made.append(last) }
                let job = state.jobs.popFirst()
                state.isWaiting = job == nil
                return (job, state.isStopped)
            }
            last = nil
            if isStopped { return }
            guard let job else {
                // A failure of the wait would be a look too many.
                _ = try? wait.wait(until: nil)
                shared.wakeUp.clear()
                continue
            }
            last = Made(entry: job.entry, path: job.path, error: error(of: job, in: tree, shared.isDurable))
        }
    }

    private static func error(of job: Job, in tree: FolderTree, _ isDurable: Bool) -> SystemError? {
        do throws(SystemError) {
            try tree.inParent(of: job.path) { (folder, name) throws(SystemError) in
                // Where something is replaced, and for a file without any permission, which looks unfinished.
                if job.replaces || job.mode == 0 {
                    let part = PartFile.names(of: name).part
                    try? folder.remove(part)
                    try make(part, job, in: folder, isDurable)
                    if job.replaces { return try folder.rename(part, to: name) }
                    try folder.link(part, as: name)
                    try folder.remove(part)
                } else {
                    try make(name, job, in: folder, isDurable)
                }
                if isDurable { try folder.synchronize() }
            }
            return nil
        } catch { return error }
    }

    private static func make(
        _ name: [UInt8],
        _ job: Job,
        in folder: borrowing OpenFolder,
        _ isDurable: Bool
    ) throws(SystemError) {
        // Without permissions it is unfinished: see `SmallFileBatch`.
        let file = try folder.open(name, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0)
        do throws(SystemError) {
            // An array of bytes, read as bytes.
            try file.write(unsafe job.bytes.span.bytes, at: 0)
            try file.setModified(seconds: job.seconds, nanoseconds: job.nanoseconds)
            try file.setMode(job.mode)
            if isDurable { try file.synchronize() }
        } catch {
            try? folder.remove(name)
            throw error
        }
    }
}
