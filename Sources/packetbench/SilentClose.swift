internal import NetworkProtocol

/// What tells a daemon that is full from one that is started with another kind of trust.
enum SilentClose {
    /// How long a daemon is given to close, which one that is full does at once.
    private static let patience = Duration.seconds(1)

    /// Whether what listens there closes a connection on which neither side has said anything. A daemon that has room waits for the first
    /// word, whatever its kind of trust.
    static func happens(at address: BenchAddress) async -> Bool {
        // The connection that failed may hold its place for a moment.
        try? await Task.sleep(for: .milliseconds(200))
        guard let client = try? await Client.connect(to: address.withoutTrust) else { return false }
        let isClosed = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do throws(ConnectionError) {
                    return try await client.receive() == nil
                } catch {
                    switch error {
                    case .closedByPeer, .io: return true
                    default: return false
                    }
                }
            }
            group.addTask {
                try? await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        await client.close()
        return isClosed
    }
}

extension BenchAddress {
    /// A connection to it says nothing by itself.
    fileprivate var withoutTrust: Destination {
        switch self {
        case .tcp(let host, let port), .tls(let host, let port): .insecurePlaintextTCP(host: host, port: port)
        case .unix(let path): .unix(path: path)
        }
    }
}
