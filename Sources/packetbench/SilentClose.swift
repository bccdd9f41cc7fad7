internal import NetworkProtocol

/// Distinguishes a full daemon from one that is started with another kind of trust.
enum SilentClose {
    /// How long a daemon may take to close, which a full one does at once.
    private static let patience = Duration.seconds(1)

    /// Whether the peer closes a connection on which neither side has sent anything. A daemon with room waits for the
    /// first bytes, whatever its kind of trust.
    static func happens(at address: BenchAddress) async -> Bool {
        // The connection that failed may hold its slot for a moment.
        try? await Task.sleep(for: .milliseconds(200))
        guard let client = try? await Client.connect(to: address.withoutTrust) else { return false }
        let isClosed = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do throws(ConnectionError) {
                    return try await client.receive() == nil
                } catch {
                    switch error.code {
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
    /// A connection to it sends nothing by itself.
    fileprivate var withoutTrust: Destination {
        switch self {
        case .tcp(let host, let port), .tls(let host, let port): .insecurePlaintextTCP(host: host, port: port)
        case .unix(let path): .unix(path: path)
        }
    }
}
