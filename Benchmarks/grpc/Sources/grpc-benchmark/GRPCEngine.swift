internal import GRPCCore
internal import GRPCNIOTransportHTTP2

/// `grpc-swift-2` with its NIO transport; messages are bytes, so that no serialization is measured.
struct GRPCEngine: Engine {
    private let address: Address

    init(_ address: Address) { self.address = address }

    func serve(_ body: @Sendable () async throws -> Void) async throws {
        let transport: HTTP2ServerTransport.Posix
        switch address {
        case .unix(let path):
            transport = .http2NIOPosix(address: .unixDomainSocket(path: path), transportSecurity: .plaintext)
        case .tls(let port, let folder):
            transport = .http2NIOPosix(
                address: .ipv4(host: "127.0.0.1", port: port),
                transportSecurity: .tls(
                    certificateChain: [.file(path: "\(folder)/server.pem", format: .pem)],
                    privateKey: .file(path: "\(folder)/server-key.pem", format: .pem)
                )
            )
        }
        try await withGRPCServer(transport: transport, services: [EchoService()]) { server in
            _ = try await server.listeningAddress
            try await body()
            server.beginGracefulShutdown()
        }
    }

    func connect(_ body: @Sendable @escaping (GRPCLink) async throws -> Void) async throws {
        try await withGRPCClient(transport: transport()) { client in
            try await body(GRPCLink(client: client))
            client.beginGracefulShutdown()
        }
    }

    func hold(_ count: Int, _ body: @Sendable () async throws -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            var clients: [GRPCClient<HTTP2ClientTransport.Posix>] = []
            while clients.count < count {
                let batch = try (0..<min(32, count - clients.count)).map { _ in GRPCClient(transport: try transport()) }
                for client in batch { group.addTask { try await client.runConnections() } }
                try await withThrowingDiscardingTaskGroup { echoes in
                    for client in batch { echoes.addTask { _ = try await GRPCLink(client: client).echo([1]) } }
                }
                clients += batch
            }
            try await body()
            group.cancelAll()
        }
    }

    private func transport() throws -> HTTP2ClientTransport.Posix {
        switch address {
        case .unix(let path):
            try .http2NIOPosix(target: .unixDomainSocket(path: path), transportSecurity: .plaintext)
        case .tls(let port, let folder):
            try .http2NIOPosix(
                target: .dns(host: Address.host, port: port),
                transportSecurity: .tls {
                    $0.trustRoots = .certificates([.file(path: "\(folder)/ca.pem", format: .pem)])
                }
            )
        }
    }
}

struct GRPCLink: EchoLink {
    let client: GRPCClient<HTTP2ClientTransport.Posix>

    func echo(_ payload: [UInt8]) async throws -> [UInt8] {
        try await client.unary(
            request: ClientRequest(message: payload),
            descriptor: EchoService.echo,
            serializer: Bytes(),
            deserializer: Bytes(),
            options: .defaults
        ) { try $0.message }
    }

    func send(for time: Duration) async throws -> UInt64 {
        let end = ContinuousClock.now + time
        let request = StreamingClientRequest<[UInt8]> { writer in
            while ContinuousClock.now < end { try await writer.write(Bulk.message) }
        }
        return try await client.clientStreaming(
            request: request,
            descriptor: EchoService.sink,
            serializer: Bytes(),
            deserializer: Bytes(),
            options: .defaults
        ) { Bulk.value(try $0.message) }
    }
}

private struct EchoService: RegistrableRPCService {
    private static let service = ServiceDescriptor(fullyQualifiedService: "benchmark.Echo")
    static let echo = MethodDescriptor(service: service, method: "Echo")
    static let sink = MethodDescriptor(service: service, method: "Sink")

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(forMethod: Self.echo, deserializer: Bytes(), serializer: Bytes()) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: request.message))
        }
        router.registerHandler(forMethod: Self.sink, deserializer: Bytes(), serializer: Bytes()) { request, _ in
            var bytes: UInt64 = 0
            for try await message in request.messages { bytes += UInt64(message.count) }
            return StreamingServerResponse(single: ServerResponse(message: Bulk.bytes(bytes)))
        }
    }
}

private struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<Container: GRPCContiguousBytes>(_ message: [UInt8]) -> Container { Container(message) }

    func deserialize<Container: GRPCContiguousBytes>(_ container: Container) -> [UInt8] {
        container.withUnsafeBytes { Array($0) }
    }
}
