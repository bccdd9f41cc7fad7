internal import Foundation
internal import Identity
internal import NIOCore
internal import PacketIO
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Connections", .timeLimit(.minutes(3)))
struct ConnectionTests {
    @Test(
        arguments: [true, false]
    )
    func `4 GiB of announced length get 413 and the end, from a stranger and from a known peer`(known: Bool)
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: known ? [key.endpointID] : []) { reflector in
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                try await peer.send([0xff, 0xff, 0xff, 0xff])
                guard case .error(let error)? = await peer.next()?.payload else {
                    Issue.record("no error came")
                    return
                }
                #expect(error.code == 413)
                #expect(await peer.next() == nil)
            }
        }
    }

    @Test func `a stranger gets 64 KiB, a known peer 1 MiB`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            try await RawPeer.withTLS(reflector, .endpoint(IdentityKey())) { peer in
                try await peer.send([0, 1, 0, 1])
                guard case .error(let error)? = await peer.next()?.payload else { return }
                #expect(error.code == 413)
            }
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                // The first frame shows that the connection is authorized.
                try await peer.send(.getStatus, id: "0")
                _ = await peer.next()
                let padding = String(repeating: " ", count: LinkFrame.maximumLength - 48)
                try await peer.send(frame: #"{"request_id":"big","payload":{"type":"hello2"\#(padding)}}"#)
                let answer = await peer.next()
                #expect(answer?.requestID == "big")
            }
        }
    }

    @Test func `malformed and unknown messages get 400 with their id, and the connection goes on`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                for (payload, id) in [
                    ("not json", ""), (#"{"request_id":"a","payload":{"type":"dance"}}"#, "a"),
                    (#"{"request_id":"b","payload":{"type":"session_close"}}"#, "b"),
                    (#"{"request_id":"c","payload":{"type":"ok"}}"#, "c"),
                ] {
                    try await peer.send(frame: payload)
                    let answer = try #require(await peer.next())
                    #expect(answer.requestID == id)
                    guard case .error(let error) = answer.payload else {
                        Issue.record("\(answer)")
                        return
                    }
                    #expect(error.code == 400)
                }
                try await peer.send(.getStatus, id: "z")
                #expect(await peer.next()?.payload.type == "status_snapshot")
            }
        }
    }

    @Test func `requests are multiplexed: a hundred sent at once are all answered, each under its id`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                for index in 0..<100 {
                    try await peer.send(index.isMultiple(of: 2) ? .getStatus : .getPathMeta, id: "\(index)")
                }
                var seen: [String: String] = [:]
                for _ in 0..<100 {
                    let answer = try #require(await peer.next())
                    seen[answer.requestID] = answer.payload.type
                }
                #expect(seen.count == 100)
                #expect(seen["0"] == "status_snapshot")
                #expect(seen["1"] == "path_meta")
            }
        }
    }

    @Test func `a client of another major version gets an error with the supported one`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                try await peer.send(.hello(Hello(version: "2.0", features: [])))
                guard case .error(let error)? = await peer.next()?.payload else { return }
                #expect(error.code == 400)
                #expect(error.message.contains("1.0"))
            }
        }
    }

    @Test func `a stalled handshake, a silent stranger and a silent known peer are closed at their deadlines`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            // Long enough that a busy machine does not miss them when it is not meant to.
            $0.limits.handshakeTimeoutSec = 10
            $0.limits.firstFrameTimeoutSec = 10
            $0.limits.idleTimeoutSec = 10
        } _: { reflector in
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await RawPeer.withTCP(reflector) { peer in
                        #expect(await peer.endsSilently())
                    }
                }
                group.addTask {
                    try await RawPeer.withTCP(reflector) { peer in
                        try await peer.send([0x16, 0x03, 0x01])
                        _ = await peer.endsSilently()
                    }
                }
                for isKnown in [true, false] {
                    group.addTask {
                        try await RawPeer.withTLS(reflector, .endpoint(isKnown ? key : IdentityKey())) { peer in
                            #expect(await peer.next() == nil)
                        }
                    }
                }
                group.addTask {
                    try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                        try await peer.send(.getStatus)
                        #expect(await peer.next() != nil)
                        #expect(await peer.next() == nil)
                    }
                }
                try await group.waitForAll()
            }
            let status = try await eventually("all connections are gone") { () -> ServerStatus? in
                guard case .status(let status) = try await reflector.ask(.status), status.connections == 0 else {
                    return nil
                }
                return status
            }
            #expect(status.connections == 0)
        }
    }

    @Test func `garbage instead of a handshake costs a connection and nothing else`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            for seed in 0..<20 {
                try? await RawPeer.withTCP(reflector) { peer in
                    var generator = SplitMix(state: UInt64(seed))
                    try await peer.send((0..<512).map { _ in UInt8.random(in: 0...255, using: &generator) })
                    _ = await peer.endsSilently()
                }
            }
            let client = try await reflector.connect(key)
            _ = try await client.hello()
        }
    }

    @Test func `a thousand connections that stall do not keep a paired peer out, even from the same address`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let flood = try await StalledConnections.open(1_000, to: reflector)
            defer { flood.close() }
            try #require(flood.count > 500)
            // The last of them evict the first, and any peer still in its handshake then.
            try await eventually("the flood has arrived") { () -> Bool? in
                let metrics = try await HealthTests.get(reflector, "/metrics")
                let line = metrics.split(separator: "\n").first { $0.hasPrefix("reflector_connections_total ") }
                let count = line.flatMap { Double($0.split(separator: " ")[1].trimmingCharacters(in: .whitespaces)) }
                return Int(try #require(count)) >= flood.count ? true : nil
            }
            guard case .status(let during) = try await reflector.ask(.status) else { return }
            #expect(during.connections <= reflector.configuration.limits.maxConnectionsPerAddress)
            let client = try await reflector.connect(key)
            let grant = try await client.request(
                SessionRequest(testType: .udpEcho, params: SessionParameters(durationSec: 1))
            )
            try await client.close(grant.testID)
            await client.close()
        }
    }

    @Test func `a peer that asks on and on and takes no reply is not read any more, and others are served`()
        async throws
    {
        let (key, other) = (IdentityKey(), IdentityKey())
        try await TestReflector.with(peers: [key.endpointID, other.endpointID]) { reflector in
            let requests = 400_000
            let sent = try await RawPeer.withTLS(reflector, .endpoint(key), receiveBuffer: 16 << 10) { peer in
                let id = String(repeating: "i", count: LinkEnvelope.maximumRequestIDLength)
                let written = Mutex(0)
                let writing = Task {
                    for _ in 0..<requests / 100 {
                        // Answered with an error at once, so that nothing but the replies is in the way.
                        try await peer.send(.ok, id: id, times: 100)
                        written.withLock { $0 += 100 }
                    }
                }
                // It stops once every buffer on the way is full; only reading lets it continue.
                var before = 0
                try await eventually("it stands still") {
                    try await Task.sleep(for: .seconds(2))
                    let now = written.withLock { $0 }
                    defer { before = now }
                    return now > 100 && now == before || now == requests ? true : nil
                }
                let client = try await reflector.connect(other)
                _ = try await client.hello()
                await client.close()
                writing.cancel()
                return before
            }
            #expect(sent < requests)
        }
    }

    @Test func `one peer may not hold more connections than its share`() async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.limits.maxConnectionsPerPeer = 3
        } _: { reflector in
            var clients: [LinkClient] = []
            for _ in 0..<3 {
                let client = try await reflector.connect(key)
                _ = try await client.hello()
                clients.append(client)
            }
            let fourth = try await reflector.connect(key)
            await #expect(throws: LinkClientError.self) { try await fourth.hello() }
            for client in clients { await client.close() }
        }
    }
}

/// Connections that open and say nothing.
final class StalledConnections: Sendable {
    private let descriptors: [Int32]

    private init(_ descriptors: [Int32]) { self.descriptors = descriptors }

    /// Those that could be opened.
    var count: Int { descriptors.count }

    static func open(_ count: Int, to reflector: TestReflector) async throws -> StalledConnections {
        let address = InternetAddress(.loopbackIPv4, port: UInt16(reflector.port))
        var descriptors: [Int32] = []
        for _ in 0..<count {
            // One that cannot be had is none that holds a place.
            if let socket = try? Socket.connectTCP(address) { descriptors.append(socket.release()) }
        }
        return StalledConnections(descriptors)
    }

    func close() {
        for descriptor in descriptors { Glibc.close(descriptor) }
    }
}

/// A generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
