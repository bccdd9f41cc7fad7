internal import Files
internal import Glibc
internal import Operations
internal import Synchronization

/// An installed iperf3.
package struct IperfProgram: Sendable {
    package let path: String
    /// Nil for one that does not print it.
    package let version: IperfVersion?

    package init(path: String, version: IperfVersion? = nil) {
        self.path = path
        self.version = version
    }

    private static let patience = Duration.seconds(5)

    /// What a program answered, and its file at that time: a replaced program is asked again.
    private static let known = Mutex<[String: (FileStatus, Answer)]>([:])
    /// A process has one or two.
    private static let mostKnown = 16

    /// Nil if it is not installed or does not run.
    package static func find(_ name: String) async -> IperfProgram? {
        guard let path = ExecutableSearch.find(name) else { return nil }
        guard let now = try? FileStatus.following(path) else { return nil }
        if let (then, answer) = known.withLock({ $0[path] }), then == now { return answer.program(path) }
        guard let answer = await ask(path) else { return nil }
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

    /// Nil if it gave no answer, for which the machine may be the reason: it is asked again the next time.
    private static func ask(_ path: String) async -> Answer? {
        guard let process = try? await start(path) else { return nil }
        let limit = Task {
            try await Task.sleep(for: patience)
            process.signal(SIGKILL)
        }
        let exit = await process.exit()
        limit.cancel()
        // Killed, because it took too long.
        if case .signaled = exit.status { return nil }
        guard exit.code == 0 else { return .broken }
        let line = String(decoding: exit.output.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return .version(IperfVersion(printed: line))
    }

    /// A file that was written a moment ago cannot be executed while any process has it open for writing (ETXTBSY),
    /// such as a child of the writer that has not executed its own program yet.
    private static func start(_ path: String) async throws -> ChildProcess {
        for _ in 0..<20 {
            do {
                return try await ChildProcess.start(path, ["--version"], outputLimit: 4_096)
            } catch let error as ChildProcessError where error.code == ETXTBSY {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        return try await ChildProcess.start(path, ["--version"], outputLimit: 4_096)
    }

    /// What keeps a client with that iperf3 from logging in here; nil if nothing does.
    package func incompatibility(of client: IperfVersion?) -> String? {
        guard let version, !version.usesOAEP, let client, client.usesOAEP else { return nil }
        return
            "iperf3 \(client.text) cannot log in to the reflector's iperf3 \(version.text): from 3.17 on it encrypts the login in a way "
            + "that older versions cannot read; use engine native, or install 3.17 or later on the reflector"
    }

    /// Server options for that client: one without a version is an old one.
    package func options(for client: IperfVersion?) -> [String] {
        guard let version, version.usesOAEP, client?.usesOAEP != true else { return [] }
        return ["--use-pkcs1-padding"]
    }
}
