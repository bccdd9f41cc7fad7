internal import CLinux
package import Files
internal import Operations

/// Everything that this package asks its machine. `real` asks the kernel; tests provide a folder that looks like `/`
/// and answers of their own.
package struct HostFacts: Sendable {
    /// The kernel's view of its clock.
    package struct Clock: Equatable, Sendable {
        package var isUnsynchronized: Bool
        /// Microseconds.
        package var maximumErrorUS: Int64

        package init(isUnsynchronized: Bool, maximumErrorUS: Int64) {
            self.isUnsynchronized = isUnsynchronized
            self.maximumErrorUS = maximumErrorUS
        }
    }

    /// The result of connecting to a closed port of the loopback interface.
    package enum ClosedPortAnswer: Equatable, Sendable {
        /// Refused, as it must be.
        case refused
        case silence
        /// The probe itself failed, with the kernel's reason: nothing is known.
        case failed(String)
    }

    package enum Family: Sendable { case ipv4, ipv6 }

    /// The prefix of `/proc/…` and `/sys/…`; empty for the machine's own.
    package var root: String
    package var clock: @Sendable () -> Clock?
    /// The interface with an address (text).
    package var interface: @Sendable (_ address: String) -> String?
    /// Soft limit of open files.
    package var fileLimit: @Sendable () -> UInt64?
    package var probeClosedUDP: @Sendable (Family) -> ClosedPortAnswer
    package var probeClosedTCP: @Sendable (Family) -> ClosedPortAnswer
    /// Nanoseconds that never go backward.
    package var monotonic: @Sendable () -> UInt64

    package init(
        root: String,
        clock: @escaping @Sendable () -> Clock?,
        interface: @escaping @Sendable (_ address: String) -> String?,
        fileLimit: @escaping @Sendable () -> UInt64?,
        probeClosedUDP: @escaping @Sendable (Family) -> ClosedPortAnswer,
        probeClosedTCP: @escaping @Sendable (Family) -> ClosedPortAnswer,
        monotonic: @escaping @Sendable () -> UInt64
    ) {
        self.root = root
        self.clock = clock
        self.interface = interface
        self.fileLimit = fileLimit
        self.probeClosedUDP = probeClosedUDP
        self.probeClosedTCP = probeClosedTCP
        self.monotonic = monotonic
    }

    /// Longest file read from `/proc`: `cpuinfo` of a machine with a thousand processors.
    private static let textLimit = 8 << 20

    /// Content of a file below `root`.
    package func text(_ path: String) throws(FileError) -> String {
        // Names may be links in /sys; the kernel made their targets.
        String(
            decoding: try StateFiles.read(root + path, limit: HostFacts.textLimit, followsLinks: true),
            as: UTF8.self
        )
    }

    /// A file that contains one number; nil if it cannot be read or contains something else.
    package func number(_ path: String) -> Int? { (try? text(path)).flatMap { Int($0.prefix { $0 != "\n" }) } }

    /// A file that contains one counter.
    package func counter(_ path: String) -> UInt64? { (try? text(path)).flatMap { UInt64($0.prefix { $0 != "\n" }) } }

    /// Whether the path exists.
    package func exists(_ path: String) -> Bool { (try? FileStatus.ofLink(at: root + path)) != nil }

    private func malformed(_ path: String) -> FileError {
        FileError(path: root + path, problem: "it is not in the kernel's format", remedy: "mount /proc")
    }

    /// Load of 1, 5 and 15 minutes.
    package func loadAverages() throws(FileError) -> [Double] {
        let words = try text("/proc/loadavg").split(separator: " ").prefix(3).compactMap { Double($0) }
        guard words.count == 3, words.allSatisfy({ $0.isFinite && $0 >= 0 }) else { throw malformed("/proc/loadavg") }
        return words
    }

    /// MiB of memory, total and available without swapping.
    package func memory() throws(FileError) -> (totalMB: Int, availableMB: Int) {
        var total: Int?
        var available: Int?
        for line in try text("/proc/meminfo").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kibibytes = Int(words[1]), kibibytes >= 0 else { continue }
            if words[0] == "MemTotal:" { total = kibibytes / 1024 }
            if words[0] == "MemAvailable:" { available = kibibytes / 1024 }
        }
        guard let total, let available else { throw malformed("/proc/meminfo") }
        return (total, available)
    }

    /// Processors that are online.
    package func processorCount() throws(FileError) -> Int {
        let lines = try text("/proc/stat").split(separator: "\n")
        let count = lines.count { line in
            line.hasPrefix("cpu") && line.dropFirst(3).first.map { ("0"..."9").contains($0) } ?? false
        }
        guard count > 0 else { throw malformed("/proc/stat") }
        return count
    }

    /// Names of all interfaces.
    package func interfaces() -> [String] {
        guard let text = try? text("/proc/net/dev") else { return [] }
        return text.split(separator: "\n").dropFirst(2).compactMap { line in
            // "  eth0: 123 …"; an alias has a colon in its name, but aliases are not listed.
            let name = line.drop { $0 == " " }.prefix { $0 != ":" && $0 != " " }
            return name.isEmpty || name.contains("/") || name == ".." ? nil : String(name)
        }
    }
}
