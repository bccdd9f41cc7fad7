import CLinux
package import Files
internal import Operations

/// Everything this package asks the machine it runs on. `real` asks the kernel; tests give a folder that looks like `/` and
/// answers of their own.
package struct HostFacts: Sendable {
    /// The kernel's opinion of its clock.
    package struct Clock: Equatable, Sendable {
        package var isUnsynchronised: Bool
        /// Microseconds.
        package var maximumErrorUS: Int64

        package init(isUnsynchronised: Bool, maximumErrorUS: Int64) {
            self.isUnsynchronised = isUnsynchronised
            self.maximumErrorUS = maximumErrorUS
        }
    }

    /// What a knock at a closed port of the loopback interface brought.
    package enum Knock: Equatable, Sendable {
        /// Refused, as it must be.
        case refused
        case silence
        /// The knock itself failed, with the kernel's reason: nothing is known.
        case failed(String)
    }

    package enum Family: Sendable { case ipv4, ipv6 }

    /// Put in front of `/proc/…` and `/sys/…`; empty for the machine's own.
    package var root: String
    package var clock: @Sendable () -> Clock?
    /// The interface that has an address (text).
    package var interface: @Sendable (_ address: String) -> String?
    /// Soft limit of open files.
    package var fileLimit: @Sendable () -> UInt64?
    package var knockUDP: @Sendable (Family) -> Knock
    package var knockTCP: @Sendable (Family) -> Knock
    /// Nanoseconds that never go back.
    package var monotonic: @Sendable () -> UInt64

    package init(
        root: String,
        clock: @escaping @Sendable () -> Clock?,
        interface: @escaping @Sendable (_ address: String) -> String?,
        fileLimit: @escaping @Sendable () -> UInt64?,
        knockUDP: @escaping @Sendable (Family) -> Knock,
        knockTCP: @escaping @Sendable (Family) -> Knock,
        monotonic: @escaping @Sendable () -> UInt64
    ) {
        self.root = root
        self.clock = clock
        self.interface = interface
        self.fileLimit = fileLimit
        self.knockUDP = knockUDP
        self.knockTCP = knockTCP
        self.monotonic = monotonic
    }

    /// Longest file read from `/proc`: `cpuinfo` of a machine with a thousand processors.
    private static let textLimit = 8 << 20

    /// Content of a file below `root`.
    package func text(_ path: String) throws(FileError) -> String {
        // Names may be links in /sys; what they point to is the kernel's.
        String(
            decoding: try StateFiles.read(root + path, limit: HostFacts.textLimit, followsLinks: true),
            as: UTF8.self
        )
    }

    /// A file that holds one number; nil when it cannot be read or holds something else.
    package func number(_ path: String) -> Int? { (try? text(path)).flatMap { Int($0.prefix { $0 != "\n" }) } }

    /// A file that holds one counter.
    package func counter(_ path: String) -> UInt64? { (try? text(path)).flatMap { UInt64($0.prefix { $0 != "\n" }) } }

    /// Whether something is there.
    package func exists(_ path: String) -> Bool { (try? FileStatus.ofLink(at: root + path)) != nil }

    private func malformed(_ path: String) -> FileError {
        FileError(path: root + path, problem: "it does not look as the kernel writes it", remedy: "mount /proc")
    }

    /// Load of 1, 5 and 15 minutes.
    package func loadAverages() throws(FileError) -> [Double] {
        let words = try text("/proc/loadavg").split(separator: " ").prefix(3).compactMap { Double($0) }
        guard words.count == 3, words.allSatisfy({ $0.isFinite && $0 >= 0 }) else { throw malformed("/proc/loadavg") }
        return words
    }

    /// MiB of memory, in all and available without swapping.
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
