internal import Foundation
internal import NIOSSL
internal import NetworkProtocol
internal import Synchronization

// The code of the articles in Sources/NetworkProtocol/Documentation.docc, so that it is compiled; it is never run.

private enum Problem: Error { case noKey, noAddress }

private enum FirstDaemon {
    static func unavailable(client: Client, name: [UInt8]) async throws -> [UInt8]? {
        do throws(ConnectionError) {
            return try await client.request("greet", name)
        } catch {
            guard error.failureCode == .unavailable else { throw error }
            // The daemon is full or shuts down.
            return nil
        }
    }

    static func messages(context: Dispatcher.Context, client: Client, news: [UInt8], handle: ([UInt8]) -> Void)
        async throws
    {
        try await context.connection.send(.data(news))

        while let message = try await client.receive() {
            if case .data(let news) = message { handle(news) }
        }
    }
}

private enum ChoosingATransport {
    static func unix(dispatcher: Dispatcher) async throws {
        let daemon = Daemon(listening: [.unix(path: "/run/example/daemon.sock")], dispatcher: dispatcher)
        let client = try await Client.connect(to: .unix(path: "/run/example/daemon.sock"))
        _ = (daemon, client)
    }

    static func several(dispatcher: Dispatcher, trust: Trust, tls: TLSServer) {
        let daemon = Daemon(
            listening: [
                .unix(path: "/run/example/daemon.sock"),
                .tcp(host: "::", port: 9000, trust: trust),
                .tls(host: "::", port: 9443, tls),
            ],
            dispatcher: dispatcher
        )
        _ = daemon
    }
}

private enum WhomToTrust {
    static func keys(ada: EndpointID, bob: EndpointID, identity: IdentityKey) {
        let trust = Trust.pinned([ada, bob], identity: identity)
        _ = trust
    }

    static func changing(ada: EndpointID, identity: IdentityKey) {
        let allowed = Mutex<Set<EndpointID>>([ada])
        let trust = Trust.pinned(identity: identity) { id in allowed.withLock { $0.contains(id) } }
        _ = trust
    }

    static func secret(text: String, ada: EndpointID, identity: IdentityKey) throws {
        guard let key = PreSharedKey(hexadecimal: text) else { throw Problem.noKey }
        let byKey = Trust.preSharedKey(key)
        let byBoth = Trust.pinned(identity: identity, preSharedKey: key) { $0 == ada }
        _ = (byKey, byBoth)
    }

    static func certificates(
        authority: [NIOSSLCertificate],
        pin: CertificatePin,
        chain: [NIOSSLCertificate],
        privateKey: NIOSSLPrivateKey
    ) {
        var tls = TLSClient(roots: .certificates(authority))
        tls.pins = [pin]
        tls.certificateChain = chain
        tls.privateKey = privateKey

        let clients = TLSServer.Clients.certified(roots: authority, pins: [pin])
        let server = TLSServer(certificateChain: chain, privateKey: privateKey, clients: clients)
        _ = server
    }

    static func ownCertificate(folder: URL) throws {
        let own = try SelfSignedCertificate(hosts: ["daemon.example"])
        try Data(own.certificatePEM.utf8).write(to: folder.appending(path: "daemon.pem"))
    }
}

private enum Tuning {
    static func daemon() {
        var options = DaemonOptions()
        options.maximumConnections = 10_000
        options.connection.channelCapacity = 8
        options.connection.maximumPayloadLength = 64 * 1024
        options.connection.compression = .init(.zstd, threshold: 1_024)
    }

    static func client() {
        var client = ClientOptions()
        client.responseTimeout = .seconds(5)
        client.reconnect = .init(attempts: 10, delay: .milliseconds(500), maximumDelay: .seconds(30))
    }

    static func pool(destination: Destination) async throws {
        var options = ConnectionPoolOptions()
        options.maximumConnections = 4
        options.maximumRequestsPerConnection = 64
        let pool = ConnectionPool(to: destination, options: options)
        let reply = try await pool.request("greet", Array("Ada".utf8))
        await pool.close()
        _ = reply
    }

    static func threads(client: Client, work: @Sendable (Connection) async -> Void) async throws {
        let connection = try await client.connection()
        await withTaskExecutorPreference(connection.executor) {
            await work(connection)
        }
    }
}

private enum Clusters {
    static func run(key: ClusterKey, identity: IdentityKey, dispatcher: Dispatcher) async throws {
        guard let address = MemberAddress("127.0.0.1:7101") else { throw Problem.noAddress }
        var configuration = ClusterConfiguration(name: "chat", key: key, identity: identity, listening: address)
        configuration.seeds = ["seed-1.example.net:7000", "seed-2.example.net:7000"]
        let cluster = Cluster(configuration, dispatcher: dispatcher)
        try await cluster.runUntilSignal()
    }

    static func events(cluster: Cluster) async {
        for await event in cluster.events {
            print(event.change, event.member.endpointID)
        }
    }

    static func messages(cluster: Cluster, member: ClusterMember) async throws {
        let reply = try await cluster.request("greet", Array("Ada".utf8), to: member)
        try await cluster.send(.data(Array("hello".utf8)), to: member)
        let failures = await cluster.broadcast(.data(Array("hello, all".utf8)))
        _ = (reply, failures)
    }

    static func keys(configuration: inout ClusterConfiguration, old: ClusterKey, new: ClusterKey) {
        configuration.keys = [old, new]
    }
}
