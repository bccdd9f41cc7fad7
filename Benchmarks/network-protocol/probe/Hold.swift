internal import Glibc
internal import NetworkProtocol

/// Idle connections.
enum Hold {
    static func run(socket: String, count: Int, isSealed: Bool) async throws {
        var limit = rlimit(rlim_cur: rlim_t(count + 256), rlim_max: rlim_t(count + 256))
        // The limit is read for the call only. Root may raise it; if it stays too low, connecting fails.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let destination: Destination =
            isSealed ? .unix(path: socket, trust: .anonymous) : .unix(path: socket)
        var clients: [Client] = []
        clients.reserveCapacity(count)
        while clients.count < count {
            let next = min(32, count - clients.count)
            clients += try await withThrowingTaskGroup(of: Client.self) { group in
                for _ in 0..<next { group.addTask { try await connect(to: destination) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        print("holds \(clients.count)")
        fflush(nil)
        while readLine() != nil {}
        exit(0)
    }

    /// A Unix socket whose backlog is full refuses at once, where TCP would wait.
    private static func connect(to destination: Destination) async throws -> Client {
        for _ in 0..<100 {
            if let client = try? await Client.connect(to: destination) { return client }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try await Client.connect(to: destination)
    }
}
