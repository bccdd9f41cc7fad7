internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NetworkProtocol
internal import NetworkProtocolPrometheus
internal import Operations
internal import Testing

@Suite("A Prometheus endpoint", .timeLimit(.minutes(5)))
struct PrometheusEndpointTests {
    private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func with(_ body: (PrometheusEndpoint, _ address: String) async throws -> Void) async throws {
        let endpoint = PrometheusEndpoint(port: 0, logger: silent)
        let running = Task { try await endpoint.run() }
        let address = try #require(await endpoint.address())
        do {
            try await body(endpoint, address)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        try await running.value
    }

    @Test func `a Prometheus endpoint tells where it is to all who ask, as often as they ask`() async throws {
        let endpoint = PrometheusEndpoint(port: 0, logger: silent)
        let asking = (0..<3).map { _ in Task { await endpoint.address() } }
        let late = Task {
            try? await Task.sleep(for: .seconds(10))
            for task in asking { task.cancel() }
        }
        let running = Task { try await endpoint.run() }
        let address = try #require(await endpoint.address())
        for task in asking { #expect(await task.value == address) }
        #expect(await endpoint.address() == address)
        late.cancel()
        running.cancel()
        try await running.value
        // One that cannot start reports that too.
        let none = PrometheusEndpoint(port: 65_536, logger: silent)
        _ = try? await none.run()
        for _ in 0..<2 { #expect(await none.address() == nil) }
    }

    /// What Python's HTTP client receives: the status, then the body. Metrics are returned as samples, as Prometheus'
    /// own parser reads them.
    private func fetch(_ address: String, _ path: String, method: String = "GET") async throws -> String {
        let script = """
            import http.client, sys
            from prometheus_client.parser import text_string_to_metric_families
            connection = http.client.HTTPConnection(sys.argv[1], timeout=60)
            connection.request(sys.argv[3], sys.argv[2])
            answer = connection.getresponse()
            text = answer.read().decode()
            print(answer.status, answer.getheader("content-type"))
            if answer.status != 200: print(text)
            else:
                for family in text_string_to_metric_families(text):
                    for sample in family.samples: print(sample.name, sorted(sample.labels.items()), sample.value)
            """
        let exit = try await ChildProcess.start("/usr/bin/python3", ["-c", script, address, path, method]).exit()
        #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
        return String(decoding: exit.output, as: UTF8.self)
    }

    @Test func `a Prometheus endpoint tells Prometheus what a daemon counts`() async throws {
        try await with { endpoint, address in
            var dispatcher = Dispatcher()
            dispatcher.onCommand("reverse") { payload, _ in payload.reversed() }
            var options = DaemonOptions()
            options.connection.metricsFactory = endpoint.metricsFactory
            let (server, peer) = (IdentityKey(), IdentityKey())
            let listener = Listener.tcp(
                host: "127.0.0.1",
                port: 0,
                trust: .pinned([peer.endpointID], identity: server)
            )
            let daemon = Daemon(listening: [listener], dispatcher: dispatcher, options: options, logger: silent)
            let running = Task { try await daemon.run() }
            defer { running.cancel() }
            let port = try #require(await daemon.addresses().first?.split(separator: ":").last.flatMap { Int($0) })
            let client = try await Client.connect(
                to: .tcp(host: "127.0.0.1", port: port, trust: .pinned([server.endpointID], identity: peer)),
                logger: silent
            )
            for _ in 0..<7 { _ = try await client.request("reverse", [1]) }
            let text = try await fetch(address, "/metrics?x=1")
            #expect(text.hasPrefix("200 text/plain; version=0.0.4"), "\(text)")
            #expect(text.contains("network_protocol_connections_open [('role', 'daemon')] 1.0\n"), "\(text)")
            // Two of the handshake and seven requests.
            let messages = "network_protocol_messages_total [('direction', 'received'), ('role', 'daemon')] 9.0\n"
            #expect(text.contains(messages), "\(text)")
            await client.close()
            running.cancel()
            try await running.value
        }
    }

    @Test func `a Prometheus endpoint answers nothing else, and idle connections keep no client out`() async throws {
        try await with { _, address in
            #expect(try await fetch(address, "/").hasPrefix("404 "))
            #expect(try await fetch(address, "/metrics", method: "POST").hasPrefix("405 "))
            let port = try #require(Int(address.split(separator: ":").last ?? ""))
            let group = MultiThreadedEventLoopGroup.singleton
            var crowd: [any Channel] = []
            for _ in 0..<100 {
                crowd.append(try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get())
            }
            #expect(try await fetch(address, "/metrics").hasPrefix("200 "))
            for channel in crowd { try? await channel.close() }
        }
    }

    @Test func `a Prometheus endpoint whose port is taken says so`() async throws {
        try await with { _, address in
            let port = try #require(Int(address.split(separator: ":").last ?? ""))
            await #expect(
                throws: DaemonError.cannotListen(
                    address: address,
                    reason: "another program listens there; stop it or take another address"
                )
            ) {
                try await PrometheusEndpoint(port: port, logger: silent).run()
            }
        }
    }
}
