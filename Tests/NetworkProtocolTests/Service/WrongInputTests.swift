internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import NetworkProtocolPrometheus
internal import NetworkProtocolTestSupport
internal import Testing

@testable import NetworkProtocol

/// Invalid input from a program is refused with the reason, before anything is done with it.
@Suite("Wrong input")
struct WrongInputTests {
    private func daemon(_ listener: Listener) -> Daemon {
        Daemon(listening: [listener], dispatcher: .forTests, logger: TestDaemon.silent)
    }

    @Test(arguments: [-1, 65_536, 70_000, .max, .min])
    func `a port that is none is named by daemon, client and scraper's endpoint`(port: Int) async throws {
        let reason = "invalid port \(port): must be 1–65535, or 0 for any free port"
        let error = DaemonError.cannotListen(address: "127.0.0.1:\(port)", reason: reason)
        await #expect(throws: error) {
            try await daemon(.insecurePlaintextTCP(host: "127.0.0.1", port: port)).run()
        }
        await #expect(throws: error) { try await PrometheusEndpoint(port: port, logger: TestDaemon.silent).run() }
        await #expect(
            throws: ConnectionError.cannotConnect(
                address: "127.0.0.1:\(port)",
                reason: "invalid port \(port): must be 1–65535"
            )
        ) {
            _ = try await Client.connect(
                to: .insecurePlaintextTCP(host: "127.0.0.1", port: port),
                logger: TestDaemon.silent
            )
        }
    }

    @Test(arguments: ["[::1]", "no such host"])
    func `an invalid host is an error that says so`(host: String) async throws {
        await #expect {
            try await daemon(.insecurePlaintextTCP(host: host, port: 0)).run()
        } throws: { error in
            "\(error)".contains("the name is not known; a host is a name or an address without brackets")
                && !"\(error)".contains("SocketAddress")
        }
    }

    @Test func `a path that is too long is an error of a client, too`() async throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        await #expect(
            throws: ConnectionError.cannotConnect(
                address: "unix:\(path)",
                reason: "the path is longer than the 107 bytes that the system allows"
            )
        ) { _ = try await Client.connect(to: .unix(path: path), logger: TestDaemon.silent) }
    }

    @Test func `a certificate without its key, and with another's, is refused where it is given`() async throws {
        let ends = try TestEnds()
        defer { ends.remove() }
        func reason(_ change: (inout TLSClient) -> Void) async -> String? {
            var settings = ends.clientTLS
            change(&settings)
            do {
                _ = try await Client.connect(to: .tls(host: "127.0.0.1", port: 1, settings), logger: TestDaemon.silent)
                return nil
            } catch {
                return error.code == .tls ? error.detail : "\(error)"
            }
        }
        #expect(await reason { $0.privateKey = nil } == "the client was given a certificate without its private key")
        #expect(
            await reason { $0.certificateChain = [] } == "the client was given a private key without its certificate"
        )
        let foreign = "the private key does not belong to the certificate, or cannot be read"
        #expect(await reason { $0.privateKey = ends.daemonCertificate.privateKey }?.hasSuffix(foreign) == true)
        var server = ends.serverTLS
        server.privateKey = ends.clientCertificate.privateKey
        await #expect(throws: DaemonError.tls(reason: foreign)) {
            try await daemon(.tls(host: "127.0.0.1", port: 0, server)).run()
        }
    }

    @Test func `a certificate without a valid host and lifetime is not made`() {
        typealias Problem = SelfSignedCertificate.Problem
        #expect(throws: Problem.noHost) { try SelfSignedCertificate(hosts: []) }
        for host in ["ä b", "", "a b", "host\n", String(repeating: "x", count: 300)] {
            #expect(throws: Problem.host(host)) { try SelfSignedCertificate(hosts: ["localhost", host]) }
        }
        for days in [0, -5, .min, .max] {
            #expect(throws: Problem.days(days)) { try SelfSignedCertificate(hosts: ["localhost"], days: days) }
        }
        #expect(throws: Never.self) {
            try SelfSignedCertificate(hosts: ["::1", "192.0.2.1", "*.example.org"], days: 1)
        }
    }

    @Test func `a daemon knows a Unix peer by the path`() async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("where") { _, context in Array(context.peer.address.utf8) }
        try await TestDaemon.with(.unix, dispatcher) { daemon in
            let client = try await daemon.connect(.unix)
            let path = try await client.request("where").text
            #expect(path == "unix:\(daemon.ends.socketPath)")
            await client.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a request that waits for a new connection waits no longer than it may, and can be canceled`() async throws {
        let server = try await PlainServer.start()
        var options = ClientOptions()
        options.reconnect = .init(attempts: .max, delay: .seconds(3_600), maximumDelay: .seconds(3_600))
        options.sendTimeout = .milliseconds(100)
        let client = try await Client.connect(
            to: .insecurePlaintextTCP(host: "127.0.0.1", port: server.port),
            options: options,
            logger: TestDaemon.silent
        )
        let peer = try await server.accept()
        await server.close()
        let connection = try await client.connection()
        await peer.close()
        _ = try? await connection.channel.closeFuture.get()
        // The first attempt fails at once; the second would follow in half an hour at the earliest.
        let late = ConnectionError.timedOut(what: "connecting again")
        await #expect(throws: late) { _ = try await client.request("echo", timeout: .milliseconds(100)) }
        await #expect(throws: late) { try await client.send(.data([1])) }
        let pinging = Task { try await client.ping() }
        let receiving = Task { try await client.receive() }
        try await Task.sleep(for: .milliseconds(20))
        pinging.cancel()
        await #expect(throws: ConnectionError.cancelled) { _ = try await pinging.value }
        await client.close()
        await #expect(throws: ConnectionError.closed) { _ = try await receiving.value }
        await #expect(throws: ConnectionError.closed) { _ = try await client.request("echo") }
    }
}
