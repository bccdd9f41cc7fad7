internal import Logging
internal import NIOCore
internal import NIOEmbedded
internal import NIOPosix
internal import Testing

@testable import MonitoringHTTP

@Suite("The HTTP of health and metrics", .timeLimit(.minutes(2)))
struct HTTPServiceTests {
    private static let pages = HTTPPages([
        ("/health", { .init(isAvailable: false, contentType: "application/json", body: "{}\n") }),
        ("/metrics", { .init(contentType: "text/plain; version=0.0.4", body: "a 1\n") }),
    ])

    private func connection() async throws -> NIOAsyncTestingChannel {
        let channel = NIOAsyncTestingChannel()
        try await channel.testingEventLoop.executeInContext {
            try HTTPService.install(on: channel.pipeline.syncOperations, pages: Self.pages)
        }
        try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
        return channel
    }

    /// What comes back for `request`, until the connection closes.
    private func answer(_ request: String) async throws -> String {
        let channel = try await connection()
        try await channel.writeInbound(ByteBuffer(string: request))
        try await channel.closeFuture.get()
        var text = ""
        while let part = try await channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
        return text
    }

    @Test func `each path has its page, with the status that the page has; then the connection closes`() async throws {
        let health = try await answer("GET /health?verbose HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(health.hasPrefix("HTTP/1.1 503 ") && health.hasSuffix("\r\n\r\n{}\n"), "\(health)")
        #expect(health.contains("connection: close\r\n") && health.contains("cache-control: no-store\r\n"))
        let metrics = try await answer("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(metrics.hasPrefix("HTTP/1.1 200 ") && metrics.hasSuffix("\r\n\r\na 1\n"), "\(metrics)")
        #expect(metrics.contains("content-type: text/plain; version=0.0.4\r\n"))
        let head = try await answer("HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(head.contains("content-length: 4\r\n") && head.hasSuffix("\r\n\r\n"), "\(head)")
    }

    @Test func `another path is 404 and names the pages, another method 405 and names those that are served`()
        async throws
    {
        let missing = try await answer("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(missing.hasPrefix("HTTP/1.1 404 "), "\(missing)")
        #expect(missing.hasSuffix("there are /health and /metrics\n"))
        let post = try await answer("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        #expect(post.hasPrefix("HTTP/1.1 405 ") && post.contains("allow: GET, HEAD\r\n"), "\(post)")
    }

    @Test func `a second request on the connection, or a body, gets no answer`() async throws {
        let request = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"
        #expect(try await answer(request + request).ranges(of: "HTTP/1.1").count == 1)
        #expect(try await answer("GET /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx").isEmpty)
    }

    @Test func `a request of more than 16 KiB is cut off, in one header or in many`() async throws {
        let long = "GET /metrics HTTP/1.1\r\nx: " + String(repeating: "a", count: HTTPService.maximumRequestBytes)
        let one = try await connection()
        try await one.writeInbound(ByteBuffer(string: long))
        #expect(!one.isActive)
        let many = String(repeating: "x: y\r\n", count: HTTPService.maximumRequestBytes / 6)
        let other = try await connection()
        try await other.writeInbound(ByteBuffer(string: "GET /metrics HTTP/1.1\r\n" + many))
        #expect(!other.isActive)
    }

    @Test func `a connection that says nothing, or half a request, ends after 10 s and not before`() async throws {
        for beginning in ["", "GET /metr"] {
            let channel = try await connection()
            try await channel.writeInbound(ByteBuffer(string: beginning))
            await channel.testingEventLoop.advanceTime(by: HTTPService.patience - .milliseconds(1))
            #expect(channel.isActive)
            await channel.testingEventLoop.advanceTime(by: .milliseconds(1))
            #expect(!channel.isActive)
        }
    }

    @Test func `of a crowd the oldest connection makes room, and all end with the port`() async throws {
        // One loop, so that connections are taken in the order in which they came.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let port = try await HTTPService.bind(
            host: "127.0.0.1",
            port: 0,
            pages: Self.pages,
            on: group,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let address = try #require(port.localAddress)
        var visitors: [any Channel] = []
        for _ in 0...HTTPService.maximumConnections {
            let client = ClientBootstrap(group: group)
            visitors.append(try await client.connect(to: address).get())
        }
        try await visitors[0].closeFuture.get()
        let closed = visitors.filter { !$0.isActive }.count
        #expect(closed == 1)
        await port.close()
        for visitor in visitors { try await visitor.closeFuture.get() }
        try await group.shutdownGracefully()
    }
}
