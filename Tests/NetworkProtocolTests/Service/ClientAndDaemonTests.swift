internal import Foundation
internal import Identity
internal import Synchronization
internal import Testing

@testable import NetworkProtocol

@Suite("A client and a daemon", .timeLimit(.minutes(5)))
struct ClientAndDaemonTests {
    @Test(arguments: TestTransport.allCases)
    func `a client and a daemon know each other, and many requests at once each get their own reply`(
        _ transport: TestTransport
    ) async throws {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            let who = try await client.request("who").text
            let peer = try await client.connection().peer
            switch transport {
            case .sealedTCP, .sealedUnix:
                #expect(who.hasPrefix("\(daemon.ends.client.endpointID)"))
                #expect(peer.endpointID == daemon.ends.daemon.endpointID)
            case .tls:
                #expect(who == "\(daemon.ends.clientCertificate.pin)")
                #expect(peer.certificatePin == daemon.ends.daemonCertificate.pin)
            case .plaintextTCP: #expect(who.isEmpty)
            case .unix: #expect(who == "uid \(getuid()) pid \(getpid())")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in UInt8(0)..<200 {
                    group.addTask {
                        let reply = try await client.request("reverse", [1, 2, number])
                        #expect(reply == [number, 2, 1])
                    }
                }
                try await group.waitForAll()
            }
            _ = try await client.ping()
            await client.close()
        }
    }

    @Test(arguments: TestTransport.allCases)
    func `large messages go both ways, in order`(_ transport: TestTransport) async throws {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            let sizes = [0, 1, 64 * 1024, 3_000_000, 12_345_678, 5]
            async let sending: Void = {
                for (index, size) in sizes.enumerated() {
                    try await client.send(.data([UInt8](repeating: UInt8(index + 1), count: size)))
                }
            }()
            for (index, size) in sizes.enumerated() {
                let message = try await client.receive()
                guard case .data(let bytes)? = message else {
                    Issue.record("\(String(describing: message?.name)) instead of data")
                    break
                }
                #expect(bytes.count == size)
                #expect(bytes.allSatisfy { $0 == UInt8(index + 1) })
            }
            try await sending
            await client.close()
        }
    }

    @Test func `a message that is too long is refused before it is sent, and the connection goes on`() async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("grow") { _, _ in [UInt8](repeating: 7, count: PacketHeader.maximumPayloadLength) }
        try await TestDaemon.with(.sealedTCP, dispatcher) { daemon in
            let client = try await daemon.connect(.sealedTCP)
            await #expect {
                try await client.send(.data([UInt8](repeating: 0, count: PacketHeader.maximumPayloadLength)))
            } throws: { error in
                guard let error = error as? ConnectionError else { return false }
                return error.code == .messageTooLong && error.limit == PacketHeader.maximumPayloadLength
            }
            await #expect {
                _ = try await client.request("grow")
            } throws: { error in
                (error as? ConnectionError)?.failureCode == .tooLarge
            }
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await client.close()
        }
    }

    @Test func `a stranger is refused with the reason`() async throws {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let stranger = IdentityKey()
            let trust = Trust.pinned([daemon.ends.daemon.endpointID], identity: stranger)
            await #expect {
                _ = try await Client.connect(to: .tcp(host: "127.0.0.1", port: daemon.port, trust: trust))
            } throws: { error in
                guard let error = error as? ConnectionError, let reason = error.detail else { return false }
                return error.failureCode == .unauthorized && reason.contains("\(stranger.endpointID)")
            }
        }
    }

    @Test func `a daemon with another key than the one pinned is not talked to`() async throws {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let trust = Trust.pinned([IdentityKey().endpointID], identity: daemon.ends.client)
            await #expect(throws: ConnectionError.handshake(.notAdmitted(daemon.ends.daemon.endpointID))) {
                _ = try await Client.connect(to: .tcp(host: "127.0.0.1", port: daemon.port, trust: trust))
            }
        }
    }

    @Test func `refusals, failures and unknown commands are clear answers, and the connection goes on`() async throws {
        try await TestDaemon.with(.sealedTCP) { daemon in
            let client = try await daemon.connect(.sealedTCP)
            await #expect(throws: ConnectionError.refused(code: .refused, reason: "not today")) {
                _ = try await client.request("refuse")
            }
            // The other side does not learn what failed inside.
            await #expect(throws: ConnectionError.refused(code: .internalError, reason: "the handler failed")) {
                _ = try await client.request("fail")
            }
            await #expect {
                _ = try await client.request("revers")
            } throws: { error in
                guard let error = error as? ConnectionError, let reason = error.detail else { return false }
                return error.failureCode == .unknownCommand && reason.contains("\"reverse\"")
            }
            try await client.send(.custom(command: "reverse", payload: [1, 2]))
            let reply = try await client.receive()
            #expect(reply == .custom(command: "reverse", payload: [2, 1]))
            try await client.send(.echo("hello"))
            let echo = try await client.receive()
            #expect(echo == .echo("hello"))
            await client.close()
        }
    }

    @Test(arguments: [TestTransport.unix, .sealedTCP])
    func `unsolicited replies that fill a client stop none of its requests`(_ transport: TestTransport)
        async throws
    {
        try await TestDaemon.with(transport) { daemon in
            let client = try await daemon.connect(transport)
            for number in UInt8(0)..<200 { try await client.send(.custom(command: "reverse", payload: [number, 1])) }
            let reply = try await client.request("reverse", [1, 2], timeout: .seconds(20))
            #expect(reply == [2, 1])
            // And all of them are there, in order.
            for number in UInt8(0)..<200 {
                #expect(try await client.receive() == .custom(command: "reverse", payload: [1, number]))
            }
            await client.close()
        }
    }

    @Test(arguments: [TestTransport.unix, .sealedTCP])
    func `handlers that return nothing have nothing sent, and a request gets an empty reply`(
        _ transport: TestTransport
    ) async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("task") { _, _ in nil }
        dispatcher.onCommandInline("inline") { _, _ in nil }
        dispatcher.onData { bytes, _ in bytes.isEmpty ? nil : .data(bytes) }
        try await TestDaemon.with(transport, dispatcher) { daemon in
            let client = try await daemon.connect(transport)
            for command in ["task", "inline"] {
                try await client.send(.custom(command: command, payload: [1]))
                #expect(try await client.request(command) == [])
            }
            try await client.send(.data([]))
            // Answered in order: an answer out of order would be that of an earlier request.
            try await client.send(.data([7]))
            #expect(try await client.receive() == .data([7]))
            await client.close()
        }
    }

    @Test func `every caller learns where it listens, as often as it asks`() async throws {
        try await TestDaemon.with(.plaintextTCP) { daemon in
            let asking = (0..<3).map { _ in Task { await daemon.daemon.addresses() } }
            let late = Task {
                try? await Task.sleep(for: .seconds(10))
                for task in asking { task.cancel() }
            }
            for task in asking { #expect(await task.value == ["127.0.0.1:\(daemon.port)"]) }
            late.cancel()
        }
        // One that cannot start reports that too.
        let daemon = Daemon(listening: [.unix(path: "/nowhere/socket")], dispatcher: Dispatcher())
        let running = Task { try await daemon.run() }
        _ = await running.result
        for _ in 0..<2 { #expect(await daemon.addresses().isEmpty) }
    }

    @Test func `a request that is not answered in time fails alone`() async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("sleep") { _, _ in
            try await Task.sleep(for: .seconds(60))
            return []
        }
        try await TestDaemon.with(.unix, dispatcher) { daemon in
            let client = try await daemon.connect(.unix)
            await #expect(throws: ConnectionError.unanswered(.timedOut(what: "the answer to sleep"))) {
                _ = try await client.request("sleep", timeout: .milliseconds(50))
            }
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            let waiting = Task { try await client.request("sleep") }
            waiting.cancel()
            // Whether it was sent by then is a race, and the error shows which.
            await #expect {
                _ = try await waiting.value
            } throws: {
                ($0 as? ConnectionError)?.underlying == .cancelled
            }
        }
    }

    @Test func `a request that finds no room in time fails, and was not sent`() async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onData { _, _ in
            try await Task.sleep(for: .seconds(600))
            return nil
        }
        try await TestDaemon.with(.unix, dispatcher) { daemon in
            let client = try await daemon.connect(.unix)
            let flood = Task {
                while true { try await client.send(.data([UInt8](repeating: 0, count: 1 << 20))) }
            }
            // Once the daemon stops reading, sent messages stay here.
            while try await client.connection().outbox.bytesInFlight < Outbox.byteCapacity {
                try await Task.sleep(for: .milliseconds(5))
            }
            // Until the daemon's side is full too, one may still find room and wait for its answer.
            var hasFoundNoRoom = false
            while !hasFoundNoRoom {
                do throws(ConnectionError) {
                    _ = try await client.request("reverse", timeout: .milliseconds(100))
                } catch {
                    guard error.underlying.code == .timedOut else { throw error }
                    hasFoundNoRoom = error.detail == "waiting for room to send reverse"
                }
            }
            flood.cancel()
        }
    }

    @Test(arguments: CompressionAlgorithm.allCases, MessageFormat.allCases)
    func `compressed and in any format, what arrives is what was sent`(
        algorithm: CompressionAlgorithm,
        format: MessageFormat
    ) async throws {
        try await TestDaemon.with(.sealedTCP, .forTests, { $0.connection.compression = .init(algorithm) }) { daemon in
            let client = try await daemon.connect(.sealedTCP) {
                $0.connection.compression = .init(algorithm)
                $0.connection.format = format
            }
            let payload = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 1_000) }
            let reply = try await client.request("reverse", payload)
            #expect(reply == payload.reversed())
            await client.close()
        }
    }

    @Test func `a client that may connects again when its daemon comes back, and what was in flight fails`()
        async throws
    {
        let ends = try TestEnds()
        defer { ends.remove() }
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("sleep") { _, _ in
            try await Task.sleep(for: .seconds(60))
            return []
        }
        var client: Client?
        var waiting: Task<[UInt8], any Error>?
        try await TestDaemon.with([ends.listener(.sealedUnix)], dispatcher, DaemonOptions(), ends) { daemon in
            let link = try await daemon.connect(.sealedUnix) {
                $0.reconnect = .init(attempts: 100, delay: .milliseconds(20), maximumDelay: .milliseconds(200))
            }
            _ = try await link.request("reverse", [1])
            waiting = Task { try await link.request("sleep") }
            // The request has arrived before the daemon ends.
            _ = try await link.request("reverse", [1])
            client = link
        }
        let failed = try #require(waiting)
        // With Disconnect or without, because the daemon does not wait for it: its task was canceled.
        await #expect {
            _ = try await failed.value
        } throws: {
            [ConnectionError.unanswered(.closedByPeer), .unanswered(.truncated)].contains($0 as? ConnectionError)
        }
        let link = try #require(client)
        try await TestDaemon.with([ends.listener(.sealedUnix)], dispatcher, DaemonOptions(), ends) { _ in
            let reply = try await link.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await link.close()
        }
        await #expect(throws: ConnectionError.closed) { _ = try await link.request("reverse") }
    }

    @Test(arguments: TestTransport.allCases)
    func `a peer that is not read, as handlers take long, does not count as silent`(
        _ transport: TestTransport
    ) async throws {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("slow") { payload, _ in
            try await Task.sleep(for: .seconds(2))
            return payload
        }
        try await TestDaemon.with(
            transport,
            dispatcher,
            {
                $0.connection.channelCapacity = 1
                // Longer than a loaded machine lets a thread wait, shorter than two of the handlers.
                $0.connection.heartbeatInterval = .seconds(1)
                $0.connection.missedHeartbeats = 3
            }
        ) { daemon in
            // The daemon's pings show that it is alive; the client's keep it alive as soon as it is read.
            let client = try await daemon.connect(transport) {
                $0.connection.heartbeatInterval = .milliseconds(10)
                $0.connection.missedHeartbeats = 1_000
            }
            let replies = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for number in UInt8(1)...3 { group.addTask { try await client.request("slow", [number]) } }
                return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
            }
            #expect(replies == [[1], [2], [3]])
            await client.close()
        }
    }

    @Test func `a client without a daemon says at which address nothing listens`() async throws {
        let path = "/tmp/outpost-np-none-\(UUID().uuidString)"
        await #expect(
            throws: ConnectionError.notListening(address: "unix:\(path)")
        ) {
            _ = try await Client.connect(to: .unix(path: path))
        }
    }
}
