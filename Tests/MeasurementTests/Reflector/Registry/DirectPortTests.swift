internal import Foundation
internal import Identity
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Ports of direct mode", .timeLimit(.minutes(3)), .serialized)
struct DirectPortTests {
    @Test(
        arguments: ["127.0.0.1", "::1"]
    )
    func `the echo answers the granted token from the peer's address, and nothing else`(host: String) async throws {
        try await withGrant(host, SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 60))) {
            reflector,
            client,
            grant in
            let target = InternetAddress(try #require(InternetHost(host)), port: UInt16(grant.port))
            let token = try #require(AccessToken(hex: grant.token))
            #expect(try await received(target, token: .random()) == 0)
            if host == "127.0.0.1" {
                #expect(try await received(target, token: token, from: InternetHost("127.0.0.2")) == 0)
            }
            #expect(try await received(target, token: token, grace: 60_000_000_000) == 20)
            // The first port that presented the token is the only one from then on.
            #expect(try await received(target, token: token) == 0)
            // The port lives as long as the test.
            func bind() throws { _ = try Socket.bindUDP(target).raw }
            #expect(throws: (any Error).self) { try bind() }
            try await client.close(grant.testID)
            let report = try #require(try await client.result(of: grant.testID).echo)
            #expect(report.replied == 20)
            // A child that another test forks holds the port until it has executed its program.
            try await eventually("the port is free") { try? bind() }
        }
    }

    @Test func `a native port takes the peer's streams with the token; strangers are closed and cost nothing`()
        async throws
    {
        let request = SessionRequest(
            testType: .throughput,
            params: SessionParameters(durationSec: 60, streams: 1, reverse: true, engine: .native)
        )
        try await withGrant("127.0.0.1", request) { reflector, client, grant in
            // No preface, garbage, a wrong token, the wrong direction: closed without a byte.
            let token = try #require(AccessToken(hex: grant.token))
            let prefaces: [[UInt8]] = [
                Array(repeating: 0x41, count: 24),
                StreamPreface(direction: .down, index: 0, token: .random()).bytes,
                StreamPreface(direction: .up, index: 0, token: token).bytes,
                StreamPreface(direction: .down, index: 9, token: token).bytes,
            ]
            for preface in prefaces {
                let isSilent = try await RawPeer.withTCP(reflector, port: grant.port) { peer in
                    try await peer.send(preface)
                    return await peer.endsSilently()
                }
                #expect(isSilent)
            }
            let result = try await client.result(of: grant.testID)
            #expect(result.bytesDown == 0)
            try await client.close(grant.testID)
        }
    }

    @Test func `the result of a test whose streams still run is given before they end`() async throws {
        let request = SessionRequest(
            testType: .throughput,
            params: SessionParameters(durationSec: 60, streams: 1, reverse: true, engine: .native)
        )
        try await withGrant("127.0.0.1", request) { reflector, client, grant in
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            let socket = try Socket.connectTCP(target)
            let token = try #require(AccessToken(hex: grant.token))
            try StreamPreface(direction: .down, index: 0, token: token).send(on: socket)
            // Nothing reads: it fills the kernel's buffers and stops.
            let result = try await eventually("the stream moves") {
                let result = try await client.result(of: grant.testID)
                return result.bytesDown > 0 ? result : nil
            }
            #expect(result.state == .running)
            #expect(try reflector.audit(.sessionCompleted).isEmpty)
            socket.shutDown()
            try await client.close(grant.testID)
        }
    }

    @Test func `a native stream that broke may come again, with what is left of its bytes and no more`() async throws {
        let key = IdentityKey()
        let budget = 3_000_000
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = .directEphemeral
            $0.quotas.maxBytesPerDayPerPeer = budget
        } _: { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            let params = SessionParameters(durationSec: 60, streams: 1, engine: .native)
            let grant = try await client.request(SessionRequest(testType: .throughput, params: params))
            let token = try #require(AccessToken(hex: grant.token))
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            let megabyte = [UInt8](repeating: 1, count: 1_000_000)
            for megabytes in [1, 2, 3] {
                try await eventually("the stream is taken") {
                    let socket = try Socket.connectTCP(target)
                    try StreamPreface(direction: .up, index: 0, token: token).send(on: socket)
                    _ = send(socket.raw, megabyte, megabyte.count, Int32(MSG_NOSIGNAL))
                    socket.shutDown(Int32(SHUT_WR))
                    let raw = socket.raw
                    // Never waits in the kernel: the reflector runs on the same few threads.
                    try await eventually("the other side has taken all, or has refused, and closes") {
                        var byte: UInt8 = 0
                        return recv(raw, &byte, 1, Int32(MSG_DONTWAIT)) == 0 || errno != EAGAIN ? true : nil
                    }
                    socket.shutDown()
                    return try await client.result(of: grant.testID).bytesUp >= megabytes * 1_000_000 ? true : nil
                }
            }
            let result = try await client.result(of: grant.testID)
            #expect(result.bytesUp == budget)
            #expect(result.endReason == "budget_spent")
            await client.close()
        }
    }

    @Test func `neighbors behind the peer's address that send nothing, too little, or leave take no slot from a test`()
        async throws
    {
        let request = SessionRequest(
            testType: .throughput,
            params: SessionParameters(durationSec: 20, streams: 1, engine: .iperf3)
        )
        try await withGrant("127.0.0.1", request) { reflector, client, grant in
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            var neighbours: [Int32] = []
            defer { for descriptor in neighbours { close(descriptor) } }
            for number in 0..<GateSlots.maximumPending + 8 {
                let socket = try Socket.connectTCP(target)
                // One byte less than iperf3's cookie.
                if number % 2 == 0 { _ = send(socket.raw, [UInt8](repeating: 0x61, count: 36), 36, 0) }
                if number % 3 != 0 { neighbours.append(socket.release()) }
            }
            try await expectUpload(reflector, client, grant, request)
        }
    }

    @Test func `a stranger on a direct iperf3 port reaches nothing, and the peer still gets its test`() async throws {
        let request = SessionRequest(
            testType: .throughput,
            params: SessionParameters(durationSec: 20, streams: 1, engine: .iperf3)
        )
        try await withGrant("127.0.0.1", request) { reflector, client, grant in
            // iperf3's 37 cookie bytes and junk, from another address: not one byte comes back, nothing ends.
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            for _ in 0..<3 {
                let stranger = try Socket.connectTCP(target, from: InternetHost("127.0.0.9"))
                let junk = [UInt8](repeating: 0x61, count: 64)
                _ = send(stranger.raw, junk, junk.count, Int32(MSG_NOSIGNAL))
                var byte: UInt8 = 0
                #expect(recv(stranger.raw, &byte, 1, 0) <= 0)
            }
            // From the peer's own address, but without the credentials.
            let credentials = try #require(grant.credentials)
            #expect(credentials.publicKey.contains("BEGIN PUBLIC KEY"))
            try await expectUpload(reflector, client, grant, request)
        }
    }

    /// The peer's own iperf3 gets through, and both ends count what it sent.
    private func expectUpload(
        _ reflector: TestReflector,
        _ client: LinkClient,
        _ grant: SessionGrant,
        _ request: SessionRequest
    ) async throws {
        var params = request.params
        // It is granted for longer, so that a slow machine gets to it.
        params.durationSec = 2
        let result = try await IperfClient(
            address: reflector.address,
            context: LinkClient.context(for: IdentityKey()),
            executable: "iperf3",
            grant: grant,
            params: params,
            meters: ClientMeters(seconds: 2)
        ).run(host: "127.0.0.1")
        #expect(try #require(result[.up]?.bitsPerSecond) > 1e6)
        let theirs = try await client.result(of: grant.testID)
        #expect(theirs.bytesUp > 1_000_000)
    }

    @Test
    func `a peer that sends a cookie and resets leaves nothing behind: iperf3's side of the connection is closed too`()
        async throws
    {
        let request = SessionRequest(
            testType: .throughput,
            params: SessionParameters(durationSec: 5, streams: 1, engine: .iperf3)
        )
        try await withGrant("127.0.0.1", request) { _, client, grant in
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            for number in 0..<600 {
                guard let descriptor = try? Socket.connectTCP(target).release() else { break }
                _ = send(descriptor, [UInt8](repeating: 0x61, count: 37), 37, Int32(MSG_NOSIGNAL))
                // Closes with RST, at every moment of its being let in.
                usleep(UInt32(number % 20) * 100)
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
                close(descriptor)
            }
            try await client.close(grant.testID)
            let left = try Self.halfClosed()
            try await eventually("what iperf3 has closed is closed here") {
                try Self.halfClosed().isDisjoint(with: left) ? true : nil
            }
        }
    }

    /// Inodes of this process's TCP sockets in CLOSE_WAIT.
    private static func halfClosed() throws -> Set<String> {
        let folder = "/proc/self/fd"
        let own = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
        let table = try String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8)
        let waiting = table.split(separator: "\n").dropFirst().compactMap { line -> String? in
            let fields = line.split(separator: " ")
            return fields.count > 9 && fields[3] == "08" ? String(fields[9]) : nil
        }
        return Set(waiting.filter { own.contains("socket:[\($0)]") })
    }

    @Test(arguments: [DataMode.directEphemeral, .tunneled])
    func `an iperf3 that turns its test round is cut off`(mode: DataMode) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = mode
        } _: { reflector in
            let client = try await reflector.connect(key)
            var params = SessionParameters(durationSec: 60, streams: 1, engine: .iperf3)
            let grant = try await client.request(SessionRequest(testType: .throughput, params: params))
            params.reverse = true
            let turned = try IperfClient(
                address: reflector.address,
                context: LinkClient.context(for: key),
                executable: "iperf3",
                grant: grant,
                params: params,
                meters: ClientMeters(seconds: 60)
            )
            _ = await failure(of: { try await turned.run(host: "127.0.0.1") })
            let moved = try await client.result(of: grant.testID).bytesDown
            #expect(moved > LiveSession.againstDirection)
            // One read of the stream more, and what iperf3 has on the way.
            #expect(moved < LiveSession.againstDirection + 8 << 20)
            await client.close()
        }
    }

    @Test func `direct iperf3 ends when the day's bytes are spent, whatever rate the peer claimed`() async throws {
        let key = IdentityKey()
        let budget = 50_000_000
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = .directEphemeral
            $0.quotas.maxBytesPerDayPerPeer = budget
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { _ in }
            let params = SessionParameters(durationSec: 60, streams: 1, bitrateBps: 1, engine: .iperf3)
            let grant = try await examiner.client.request(SessionRequest(testType: .throughput, params: params))
            var unbound = params
            unbound.bitrateBps = nil
            _ = try? await IperfClient(
                address: reflector.address,
                context: LinkClient.context(for: key),
                executable: "iperf3",
                grant: grant,
                params: unbound,
                meters: ClientMeters(seconds: 60)
            ).run(host: "127.0.0.1")
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["reason"] as? String == "budget_spent")
            #expect(try #require(completed["bytes_received"] as? Int) < budget + 4_000_000)
            await examiner.close()
        }
    }

    @Test(
        arguments: ["127.0.0.1", "::1"],
        ["up", "down", "both"]
    )
    func `UDP through iperf3 runs behind the gate in every direction, and both ends count the same`(
        host: String,
        way: String
    ) async throws {
        let request = Self.datagrams(reverse: way == "down", bidirectional: way == "both")
        try await withGrant(host, request) { reflector, client, grant in
            let result = try await Self.run(request, grant, reflector)
            let theirs = try await client.result(of: grant.testID)
            for direction in way == "both" ? [StreamDirection.up, .down] : [way == "up" ? .up : .down] {
                let told = try #require(result[direction])
                // 8 Mbit/s in datagrams of 1448 bytes; iperf3 does not make up for what a machine with other work kept
                // it from sending.
                #expect((1...800).contains(told.packets ?? 0))
                #expect(try #require(told.lossPercent) < 50)
                let counted = direction == .up ? theirs.bytesUp : theirs.bytesDown
                #expect(counted >= told.bytesReceived ?? .max)
                #expect(counted < 1_600_000)
            }
        }
    }

    @Test
    func `strangers and spoofers on a UDP iperf3 port reach nothing and are not answered, and strangers cost nothing`()
        async throws
    {
        let request = Self.datagrams()
        try await withGrant("127.0.0.1", request) { reflector, client, grant in
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            let strangers = try ["127.0.0.9", "127.0.0.1"].map { host in
                Stranger(try Socket.connectUDP(target, from: InternetHost(host)))
            }
            // Before the peer's own streams and beside them: iperf3's hello, and floods of data.
            for stranger in strangers { stranger.send(Array("9876".utf8)) }
            let flood = Task {
                var rounds = 0
                while !Task.isCancelled {
                    rounds += 1
                    // In time for the moments in which iperf3 takes any hello for a stream.
                    strangers[0].send(Array("9876".utf8))
                    for stranger in strangers { stranger.send([UInt8](repeating: 0x39, count: 1448)) }
                    try? await Task.sleep(for: .microseconds(200))
                }
                return rounds
            }
            let result = try await Self.run(request, grant, reflector)
            flood.cancel()
            let rounds = await flood.value
            let told = try #require(result[.up])
            #expect((1...800).contains(told.packets ?? 0))
            for stranger in strangers { #expect(!stranger.hasHeard) }
            // The floods are some 10 MB. What bears the peer's address counts, with 28 bytes of headers, and nothing
            // else does.
            let theirs = try await client.result(of: grant.testID)
            #expect(theirs.bytesUp < 1_600_000 + rounds * 1_476)
        }
    }

    @Test func `a UDP iperf3 test moves only what was granted: streams, directions and the day's bytes`() async throws {
        var wider = Self.datagrams(reverse: true)
        try await withGrant("127.0.0.1", Self.datagrams()) { reflector, client, grant in
            // Its control connection was let in, so it may ask iperf3 for anything.
            _ = try? await Self.run(wider, grant, reflector)
            let theirs = try await client.result(of: grant.testID)
            #expect(theirs.bytesDown < 100_000)
        }
        let budget = 3_000_000
        try await withDay(of: budget) { reflector, client in
            var request = Self.datagrams()
            request.params.bitrateBps = 1
            let grant = try await client.request(request)
            wider = Self.datagrams()
            wider.params.bitrateBps = 80_000_000
            wider.params.durationSec = 5
            _ = try? await Self.run(wider, grant, reflector)
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            #expect(completed["reason"] as? String == "budget_spent")
            // One batch may be on its way when the budget ends.
            let received = try #require(completed["bytes_received"] as? Int)
            #expect((budget..<budget + 200_000).contains(received))
        }
    }

    @Test(
        arguments: [TestType.throughput, .udpEcho]
    )
    func `datagrams of the peer's address that a test's port refuses are the test's, and end it with the day's bytes`(
        type: TestType
    ) async throws {
        let budget = 3_000_000
        try await withDay(of: budget) { reflector, client in
            var request = Self.datagrams()
            request.testType = type
            request.params.durationSec = 60
            let grant = try await client.request(request)
            let target = InternetAddress(.loopbackIPv4, port: UInt16(grant.port))
            let sender = Stranger(try Socket.connectUDP(target, from: .loopbackIPv4))
            let stranger = Stranger(try Socket.connectUDP(target, from: InternetHost("127.0.0.9")))
            // No hello and no token. Of 6 MB some may be lost; 30 MB bound it when they are not counted.
            let flood = Task {
                for sent in 0..<20_000 where !Task.isCancelled {
                    sender.send([UInt8](repeating: 0x39, count: 1_448))
                    stranger.send([UInt8](repeating: 0x39, count: 1_448))
                    if sent.isMultiple(of: 16) { try? await Task.sleep(for: .milliseconds(1)) }
                }
                try? await Task.sleep(for: .seconds(1))
                // What was not ended by then is ended by its owner.
                try? await client.close(grant.testID)
            }
            let completed = try await reflector.audit(.sessionCompleted, count: 1)[0]
            flood.cancel()
            await flood.value
            #expect(completed["reason"] as? String == "budget_spent")
            let received = try #require(completed["bytes_received"] as? Int)
            // What comes until the port is closed counts, too.
            #expect(received > budget - 200_000)
        }
    }

    /// A reflector with direct tests whose only peer has so many bytes a day, and that peer.
    private func withDay(of budget: Int, _ body: (TestReflector, LinkClient) async throws -> Void) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.mode = .directEphemeral
            $0.quotas.maxBytesPerDayPerPeer = budget
        } _: { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            try await body(reflector, client)
            await client.close()
        }
    }

    private static func datagrams(reverse: Bool = false, bidirectional: Bool = false) -> SessionRequest {
        SessionRequest(
            testType: .throughput,
            params: SessionParameters(
                durationSec: 1,
                transport: .udp,
                streams: 2,
                reverse: reverse,
                bidirectional: bidirectional,
                bitrateBps: 4_000_000,
                engine: .iperf3
            )
        )
    }

    /// iperf3 with datagrams that loopback does not make as long as its frames.
    private static func run(_ request: SessionRequest, _ grant: SessionGrant, _ reflector: TestReflector) async throws
        -> ThroughputResult
    {
        let script = reflector.folder + "/iperf3-short"
        try "#!/bin/sh\nexec iperf3 \"$@\" -l 1448\n".write(toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
        return try await IperfClient(
            address: reflector.address,
            context: LinkClient.context(for: IdentityKey()),
            executable: script,
            grant: grant,
            params: request.params,
            meters: ClientMeters(seconds: 2)
        ).run(host: reflector.address.host)
    }

    /// A UDP socket of a third party.
    private final class Stranger: Sendable {
        private let socket: SocketDescriptor

        init(_ socket: consuming SocketDescriptor) { self.socket = socket }

        func send(_ bytes: [UInt8]) { _ = Glibc.send(socket.raw, bytes, bytes.count, Int32(MSG_DONTWAIT)) }

        var hasHeard: Bool {
            var byte: UInt8 = 0
            return recv(socket.raw, &byte, 1, Int32(MSG_DONTWAIT)) >= 0
        }
    }

    /// Of 20 probes, those that were answered; the last within `grace` nanoseconds.
    private func received(
        _ target: InternetAddress,
        token: AccessToken,
        from local: InternetHost? = nil,
        grace: Int64 = 200_000_000
    ) async throws -> Int {
        var plan = EchoProbePlan(target: target, token: token, count: 20)
        plan.interval = 1_000_000
        plan.grace = grace
        plan.local = local
        return try await EchoProber(plan).samples().received
    }

    private func withGrant(
        _ host: String,
        _ request: SessionRequest,
        _ body: (TestReflector, LinkClient, SessionGrant) async throws -> Void
    ) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID], host: host) {
            $0.mode = .directEphemeral
        } _: { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            let grant = try await client.request(request)
            #expect(grant.mode == .directEphemeral)
            #expect(reflector.configuration.dataPorts.contains(grant.port))
            try await body(reflector, client, grant)
            await client.close()
        }
    }
}
