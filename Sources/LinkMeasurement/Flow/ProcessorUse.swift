internal import FoundationEssentials
internal import Glibc

/// How much processor time a process used between two instants, per time between them. 100 is one core.
package struct ProcessorUse: Sendable, Equatable {
    /// Clocks that are read one after the other may disagree by this factor.
    private static let tolerance = 1.02

    /// All threads together; nil if it is more than the machine has, which is impossible.
    package let percent: Double?
    /// The busiest thread: at 100 it is the limit, whatever the other cores do.
    package let busiestThreadPercent: Double?

    package init(seconds: Double, busiestThread: Double?, over wall: Double, cores: Int) {
        func share(_ seconds: Double, of cores: Int) -> Double? {
            guard wall > 0, seconds >= 0, seconds <= wall * Double(cores) * Self.tolerance else { return nil }
            return min(seconds / wall * 100, Double(cores) * 100)
        }
        percent = share(seconds, of: max(1, cores))
        busiestThreadPercent = busiestThread.flatMap { share($0, of: 1) }
    }
}

/// What this process had used at an instant.
package struct ProcessorMark: Sendable {
    private let time: ContinuousClock.Instant
    private let process: CPUTime
    /// Nanoseconds of each live thread; empty without `/proc`.
    private let threads: [String: Double]

    package static func now() -> ProcessorMark {
        ProcessorMark(time: .now, process: .process(), threads: readThreads())
    }

    /// - Parameter ended: the largest processor time, in seconds, of a thread that ended between the two instants.
    package func use(since earlier: ProcessorMark, ended: Double? = nil) -> ProcessorUse {
        let living = threads.map { $0.value - (earlier.threads[$0.key] ?? 0) }.max()
        return ProcessorUse(
            seconds: (process - earlier.process).seconds,
            busiestThread: [living.map { $0 / 1e9 }, ended].compactMap { $0 }.max(),
            over: (time - earlier.time) / .seconds(1),
            cores: sysconf(Int32(_SC_NPROCESSORS_ONLN))
        )
    }

    private static func readThreads() -> [String: Double] {
        let folder = "/proc/self/task"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return [:] }
        var threads: [String: Double] = [:]
        for name in names {
            // The first figure is the time on a processor (Documentation/scheduler/sched-stats.rst).
            guard let text = try? String(contentsOfFile: "\(folder)/\(name)/schedstat", encoding: .utf8),
                let used = text.split(separator: " ").first.flatMap({ Double($0) })
            else { continue }
            threads[name] = used
        }
        return threads
    }
}
