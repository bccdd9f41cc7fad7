import Operations

/// Other people's programs, as a test runs them.
enum ChildProcessRun {
    /// What iperf3 printed to standard output.
    static func iperf(_ arguments: [String]) async throws -> String {
        let child = try await ChildProcess.start("iperf3", arguments)
        let limit = Task {
            try await Task.sleep(for: .seconds(20))
            await child.terminate()
        }
        defer { limit.cancel() }
        return String(decoding: await child.exit().output, as: UTF8.self)
    }
}
