internal import NIOSSL
internal import NetworkProtocol
internal import Synchronization

/// The packet protocol.
struct PacketEngine: Engine {
    private static let echo = "benchmark.echo"
    private static let received = "benchmark.received"

    private let address: Address

    init(_ address: Address) { self.address = address }

    func serve(_ body: @Sendable () async throws -> Void) async throws {
        let listener: Listener
        switch address {
        case .unix(let path): listener = .unix(path: path)
        case .tls(let port, let folder):
            let tls = TLSServer(
                certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder)/server.pem"),
                privateKey: try NIOSSLPrivateKey(file: "\(folder)/server-key.pem", format: .pem),
                clients: .anonymous
            )
            listener = .tls(host: "127.0.0.1", port: port, tls)
        }
        var options = DaemonOptions()
        options.maximumConnections = 20_000
        let daemon = Daemon(listening: [listener], dispatcher: Self.dispatcher(), options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await daemon.run() }
            _ = await daemon.addresses()
            try await body()
            group.cancelAll()
        }
    }

    func connect(_ body: @Sendable @escaping (PacketLink) async throws -> Void) async throws {
        let client = try await Client.connect(to: destination())
        try await body(PacketLink(client: client))
        await client.close()
    }

    func hold(_ count: Int, _ body: @Sendable () async throws -> Void) async throws {
        var clients: [Client] = []
        while clients.count < count {
            clients += try await withThrowingTaskGroup(of: Client.self) { group in
                for _ in 0..<min(32, count - clients.count) {
                    group.addTask {
                        let client = try await Client.connect(to: destination())
                        _ = try await PacketLink(client: client).echo([1])
                        return client
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        try await body()
    }

    private func destination() throws -> Destination {
        switch address {
        case .unix(let path): return .unix(path: path)
        case .tls(let port, let folder):
            var tls = TLSClient(roots: .certificates(try NIOSSLCertificate.fromPEMFile("\(folder)/ca.pem")))
            tls.serverName = Address.host
            return .tls(host: "127.0.0.1", port: port, tls)
        }
    }

    private static func dispatcher() -> Dispatcher {
        let counts = Mutex<[UInt64: UInt64]>([:])
        var dispatcher = Dispatcher()
        dispatcher.onCommand(echo) { payload, _ in payload }
        dispatcher.onData { bytes, context in
            counts.withLock { $0[context.connection.id, default: 0] += UInt64(bytes.count) }
            return nil
        }
        dispatcher.onCommand(received) { _, context in
            Bulk.bytes(counts.withLock { $0[context.connection.id] ?? 0 })
        }
        return dispatcher
    }

    struct PacketLink: EchoLink {
        let client: Client

        func echo(_ payload: [UInt8]) async throws -> [UInt8] { try await client.request(PacketEngine.echo, payload) }

        func send(for time: Duration) async throws -> UInt64 {
            let end = ContinuousClock.now + time
            let before = Bulk.value(try await client.request(PacketEngine.received))
            var sent: UInt64 = 0
            while ContinuousClock.now < end {
                try await client.send(.data(Bulk.message))
                sent += UInt64(Bulk.length)
            }
            // Data messages are handled in order, and requests beside them: so ask until all are there.
            while true {
                let bytes = Bulk.value(try await client.request(PacketEngine.received)) - before
                if bytes >= sent { return bytes }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }
}
