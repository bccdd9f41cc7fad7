internal import Foundation
internal import NetworkProtocolTestSupport
internal import Synchronization
internal import TemporaryFolders
internal import Testing

@testable import NetworkProtocol

@Suite(.timeLimit(.minutes(2))) struct ServerKeyTests {
    @Test func `address says where the daemon listens`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/echo.sock"
        let file = "[server]\naddress = \"unix:\(path)\""
        try await ConfiguredService.withDaemon(file) { _, address in
            #expect(address == "unix:\(path)")
            let client = try await ConfiguredService.connect(to: "unix:\(path)")
            let reply = try await client.request("echo", [1, 2])
            #expect(reply == [1, 2])
            await client.close()
        }
        try await ConfiguredService.withDaemon("[server]\naddress = \"[::1]:0\"") { _, address in
            #expect(address.hasPrefix("[::1]:"))
            let client = try await ConfiguredService.connect(to: address)
            let reply = try await client.request("echo", [3])
            #expect(reply == [3])
            await client.close()
        }
    }

    @Test(arguments: [1, 2, 5])
    func `backpressure_limit bounds the requests of a connection that are in work`(limit: Int) async throws {
        let load = Load(goal: limit)
        var dispatcher = Dispatcher()
        dispatcher.onCommand("work") { _, _ in
            await load.enter()
            return []
        }
        try await ConfiguredService.withDaemon("[server]\nbackpressure_limit = \(limit)", dispatcher) { _, address in
            let client = try await ConfiguredService.connect(to: address)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<30 { group.addTask { _ = try await client.request("work") } }
                try await group.waitForAll()
            }
            await client.close()
        }
        #expect(await load.most == limit)
    }

    @Test func `connection_timeout ends a connection that does not shake hands`() async throws {
        try await ConfiguredService.withDaemon("[server]\nconnection_timeout = 300000") { _, patient in
            try await ConfiguredService.withDaemon("[server]\nconnection_timeout = 100") { _, hasty in
                let waiting = try await PlainPeer.connect(port: ConfiguredService.port(patient))
                let cut = try await PlainPeer.connect(port: ConfiguredService.port(hasty))
                try await ConfiguredService.expect {
                    await cut.closed()
                } before: {
                    await waiting.closed()
                } ending: {
                    await waiting.close()
                }
            }
        }
    }

    @Test func `heartbeat_interval makes pings come`() async throws {
        let rare = "[server]\nheartbeat_interval = 3600000\n" + ConfiguredService.plaintext
        let often = "[server]\nheartbeat_interval = 100\n" + ConfiguredService.plaintext
        try await ConfiguredService.withDaemon(rare) { _, rare in
            try await ConfiguredService.withDaemon(often) { _, often in
                let silent = try await PlainPeer.connect(port: ConfiguredService.port(rare))
                let pinged = try await PlainPeer.connect(port: ConfiguredService.port(often))
                try await ConfiguredService.expect {
                    for await (flags, payload) in pinged.packets() {
                        #expect(flags == 0)
                        #expect(payload == [0, 0, 0, 0])
                        break
                    }
                } before: {
                    for await _ in silent.packets() { break }
                } ending: {
                    await silent.close()
                }
                await pinged.close()
            }
        }
    }

    @Test func `shutdown_timeout ends a shutdown that waits for a handler`() async throws {
        try await ConfiguredService.withDaemon("[server]\nshutdown_timeout = 3600000") { patient, patientAddress in
            try await ConfiguredService.withDaemon("[server]\nshutdown_timeout = 100") { hasty, hastyAddress in
                let first = try await ConfiguredService.connect(to: patientAddress)
                let second = try await ConfiguredService.connect(to: hastyAddress)
                let requests = [first, second].map { client in Task { try await client.request("never") } }
                // They follow on each connection: they are in progress now.
                _ = try await first.request("echo")
                _ = try await second.request("echo")
                patient.shutDown()
                hasty.shutDown()
                try await ConfiguredService.expect {
                    _ = try? await requests[1].value
                } before: {
                    _ = try? await requests[0].value
                } ending: {
                    await first.close()
                }
            }
        }
    }

    @Test func `max_connections refuses the one too many`() async throws {
        try await ConfiguredService.withDaemon("[server]\nmax_connections = 2") { daemon, address in
            let first = try await ConfiguredService.connect(to: address)
            let second = try await ConfiguredService.connect(to: address)
            await #expect(throws: ConnectionError.self) { _ = try await ConfiguredService.connect(to: address) }
            _ = try await first.request("echo")
            _ = try await second.request("echo")
            #expect(daemon.connectionCount == 2)
            await first.close()
            await second.close()
        }
    }
}

/// Running handlers: each waits until `goal` of them run, so that there are certainly as many, and reports the most
/// that ran at once.
private actor Load {
    private let goal: Int
    private var now = 0
    private(set) var most = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(goal: Int) { self.goal = goal }

    func enter() async {
        now += 1
        most = max(most, now)
        if now < goal, most < goal {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            for continuation in waiting { continuation.resume() }
            waiting = []
        }
        for _ in 0..<20 { await Task.yield() }
        now -= 1
    }
}
