internal import FoundationEssentials
internal import Glibc
internal import Operations
internal import Synchronization

/// The version of an iperf3 program, which decides how its login is encrypted.
package struct IperfVersion: Sendable, Equatable {
    package let major: Int
    package let minor: Int
    /// As the program says it, such as "3.17.1".
    package let text: String

    /// From 3.17 on the login is padded with OAEP, before with PKCS #1; neither side can read the other's.
    package var usesOAEP: Bool { (major, minor) >= (3, 17) }

    /// - Parameter text: a version alone, such as "3.17.1" or "3.21+".
    package init?(_ text: String) {
        guard text.utf8.count <= 32, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix { $0.isNumber }) else {
            return nil
        }
        (self.major, self.minor, self.text) = (major, minor, text.printable(limit: 32))
    }

    /// The first line of `iperf3 --version`: "iperf 3.12 (cJSON 1.7.15)".
    init?(printed line: some StringProtocol) {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "iperf" else { return nil }
        self.init(String(words[1]))
    }
}

/// An iperf3 that is installed.
struct IperfProgram: Sendable {
    let path: String
    /// Nil for one that does not say it.
    let version: IperfVersion?

    private static let patience = Duration.seconds(5)

    /// The program as it was when it was asked for its version: another in its place is asked again.
    private struct Known: Equatable {
        let device: UInt
        let inode: UInt
        let size: Int
        let modified: Int
    }

    private static let known = Mutex<[String: (Known, Answer)]>([:])
    /// Of one process there are one or two.
    private static let mostKnown = 16

    /// Nil when it is not installed or does not run.
    static func find(_ name: String) async -> IperfProgram? {
        guard let path = ExecutableSearch.find(name) else { return nil }
        var status = stat()
        // Fills memory of ours.
        guard unsafe stat(path, &status) == 0 else { return nil }
        let now = Known(
            device: UInt(status.st_dev),
            inode: UInt(status.st_ino),
            size: status.st_size,
            modified: status.st_mtim.tv_sec
        )
        if let (then, answer) = known.withLock({ $0[path] }), then == now { return answer.program(path) }
        let answer = await ask(path)
        known.withLock { known in
            if known.count >= mostKnown { known.removeAll() }
            known[path] = (now, answer)
        }
        return answer.program(path)
    }

    private enum Answer {
        /// It does not run.
        case broken
        case version(IperfVersion?)

        func program(_ path: String) -> IperfProgram? {
            guard case .version(let version) = self else { return nil }
            return IperfProgram(path: path, version: version)
        }
    }

    private static func ask(_ path: String) async -> Answer {
        guard let process = try? await ChildProcess.start(path, ["--version"], outputLimit: 4_096) else {
            return .broken
        }
        let limit = Task {
            try await Task.sleep(for: patience)
            process.signal(SIGKILL)
        }
        let exit = await process.exit()
        limit.cancel()
        guard exit.code == 0 else { return .broken }
        let line = String(decoding: exit.output.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return .version(IperfVersion(printed: line))
    }

    /// What keeps a client with that iperf3 from logging in here; nil when nothing does.
    func misfit(of client: IperfVersion?) -> String? {
        guard let version, !version.usesOAEP, let client, client.usesOAEP else { return nil }
        return
            "iperf3 \(client.text) cannot log in to the reflector's iperf3 \(version.text): from 3.17 on it encrypts the login in a way "
            + "that older ones cannot read; ask for engine native, or install 3.17 or newer on the reflector"
    }

    /// Options of a server for that client: one that does not say its version is an old one.
    func options(for client: IperfVersion?) -> [String] {
        guard let version, version.usesOAEP, client?.usesOAEP != true else { return [] }
        return ["--use-pkcs1-padding"]
    }
}
