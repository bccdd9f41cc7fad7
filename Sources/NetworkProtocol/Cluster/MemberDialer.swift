internal import Identity
internal import Logging

/// Connects to a member, and requires it to be the very one.
struct MemberDialer: Sendable {
    /// Not every member knows a new one yet: how often to retry with a member that does not know this one, a protocol
    /// period later each time.
    private static let introductions = 5

    let configuration: ClusterConfiguration
    let keys: ClusterKeys
    let logger: Logger
    /// Whether a member is still alive.
    let isLive: @Sendable (EndpointID) -> Bool

    func dial(_ target: MemberConnections.Target) async throws(ConnectionError) -> Connection {
        var attempt = 1
        while true {
            do throws(ConnectionError) {
                return try await dialWithAnyKey(target)
            } catch {
                guard error.failureCode == .unauthorized, attempt < Self.introductions, isLive(target.id),
                    await sleep()
                else { throw error }
                attempt += 1
            }
        }
    }

    /// While the cluster changes its key, a member may have another one as its first.
    private func dialWithAnyKey(_ target: MemberConnections.Target) async throws(ConnectionError) -> Connection {
        let keys = keys.messaging
        for key in keys.dropLast() {
            do throws(ConnectionError) {
                return try await dial(target, key)
            } catch {
                guard error == .handshake(.notAuthentic) else { throw error }
                logger.debug("member holds another key", metadata: ["member.id": "\(target.id)"])
            }
        }
        guard let last = keys.last else { throw .closed }
        return try await dial(target, last)
    }

    private func dial(_ target: MemberConnections.Target, _ key: PreSharedKey) async throws(ConnectionError)
        -> Connection
    {
        let trust = Trust.pinned(identity: configuration.identity, preSharedKey: key) { $0 == target.id }
        var options = ClientOptions()
        options.connection = configuration.messaging.connection
        options.connectTimeout = configuration.messaging.connectTimeout
        let destination = Destination.tcp(host: target.host, port: Int(target.port), trust: trust)
        return try await Client.connect(to: destination, options: options, logger: logger).connection()
    }

    /// False if the task is canceled.
    private func sleep() async -> Bool { (try? await Task.sleep(for: configuration.period)) != nil }
}
