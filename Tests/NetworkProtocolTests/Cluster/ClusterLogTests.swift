internal import Identity
internal import Logging
internal import NIOCore
internal import NetworkProtocolTestSupport
internal import PrometheusMetrics
internal import StrictJSON
internal import Testing

@testable import NetworkProtocol
@testable import NetworkProtocolConfiguration

/// What a log at `info` says about members that find no others.
@Suite("The log of a cluster", .timeLimit(.minutes(2)))
struct ClusterLogTests {
    /// A log at `info`, read while it is written.
    private struct Log {
        private let lines = LogLines()
        let logger: Logger

        init() throws {
            let make = try NetworkConfiguration(toml: "[logging]\nlog_level = \"info\"\njson_format = true")
                .logHandlerFactory { [lines] in lines.append($0) }
            logger = Logger(label: "cluster", factory: make)
        }

        /// The metadata of all lines with the message.
        func metadata(of message: String) throws -> [JSONValue] {
            try lines.all.map { try JSONParser.parse($0) }.filter { $0["message"] == .string(message) }
                .map { try #require($0["metadata"]) }
        }

        /// Waits for the first line with the message; if there is none, the suite's time limit ends the test.
        func first(_ message: String) async throws -> JSONValue {
            while true {
                if let first = try metadata(of: message).first { return first }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    private func text(_ value: JSONValue?) throws -> String {
        guard case .string(let text)? = value else { throw Unreadable(value: value) }
        return text
    }

    private struct Unreadable: Error { let value: JSONValue? }

    /// Runs a member, and cancels it at the end.
    private func withMember(
        _ configuration: ClusterConfiguration,
        _ log: Log,
        _ body: (ClusterMember) async throws -> Void
    ) async throws {
        let cluster = Cluster(configuration, logger: log.logger)
        let run = Task { try await cluster.run() }
        defer { run.cancel() }
        try await body(try #require(await cluster.started()))
    }

    /// Datagrams that a member has refused so far, for a reason.
    private func refused(_ reason: String, _ registry: PrometheusRegistry) -> Int {
        let series = "network_protocol_cluster_refused_total{cluster=\"test\",reason=\"\(reason)\"} "
        let line = registry.text().split(separator: "\n").first { $0.hasPrefix(series) }
        return line.flatMap { Int($0.dropFirst(series.count)) } ?? 0
    }

    @Test
    func `a wrong key is logged once on both sides: by the seed that refuses and by the member that gets no answer`()
        async throws
    {
        let (seedLog, strangerLog, registry) = (try Log(), try Log(), PrometheusRegistry())
        var seed = try ClusterTests.configuration(1)
        seed.messaging.connection.metricsFactory = registry
        try await withMember(seed, seedLog) { seed in
            let key = SwimDatagramTests.key(2)
            let stranger = try ClusterTests.configuration(2, key: key, seeds: ["\(seed.address)"])
            try await withMember(stranger, strangerLog) { stranger in
                let refusal = try await seedLog.first("datagrams refused")
                #expect(refusal["peer"] == .string("\(stranger.address)"))
                #expect(refusal["reason"] == .string("a datagram of another cluster name or key"))
                let silence = try await strangerLog.first("no seed answers")
                #expect(silence["seeds"] == .string("\(seed.address)"))
                #expect(try text(silence["remedy"]).contains("key"))
                let before = refused("key", registry)
                while refused("key", registry) < before + 5 { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(try seedLog.metadata(of: "datagrams refused").count == 1)
            #expect(try strangerLog.metadata(of: "no seed answers").count == 1)
            #expect(try seedLog.metadata(of: "no seed answers").isEmpty)
        }
    }

    @Test func `a flood from outside fills no log`() async throws {
        let (log, registry) = (try Log(), PrometheusRegistry())
        var configuration = try ClusterTests.configuration(1)
        configuration.messaging.connection.metricsFactory = registry
        try await withMember(configuration, log) { member in
            let ring = SwimKeyring(clusterName: "test", keys: [ClusterTests.key])
            let sealed = ring.seal([UInt8](repeating: 0, count: 100), sentAt: 0, nonce: SwimDatagramTests.nonce)
            func changed(_ index: Int) -> [UInt8] {
                var datagram = sealed
                datagram[index] ^= 1
                return datagram
            }
            // In turn: foreign, version, key, authenticity, clock.
            let kinds = [changed(0), changed(4), changed(5), changed(50), sealed]
            let flood = try Flood(to: member.address)
            for reason in ["foreign", "version", "key", "authenticity", "clock"] {
                while refused(reason, registry) < 200 {
                    flood.send(kinds, count: 100)
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
        }
        let reasons = try log.metadata(of: "datagrams refused").map { try text($0["reason"]) }
        #expect(reasons.count == 4 && Set(reasons).count == 4, "\(reasons)")
    }

    @Test func `a seed whose name is not found is named, with the resolver's reason`() async throws {
        let log = try Log()
        let configuration = try ClusterTests.configuration(1, seeds: ["no-such-host.invalid:9", "127.0.0.1:9"])
        try await withMember(configuration, log) { _ in
            let line = try await log.first("seed not found")
            #expect(line["seed"] == .string("no-such-host.invalid:9"))
            #expect(try !text(line["reason"]).isEmpty)
            // The other member is asked in the meantime.
            #expect(try await log.first("no seed answers")["seeds"] == .string("127.0.0.1:9"))
        }
        #expect(try log.metadata(of: "seed not found").count == 1)
    }

    @Test func `a seed learns that another member has its identity, and at which address`() async throws {
        let (log, twinLog) = (try Log(), try Log())
        try await withMember(try ClusterTests.configuration(1), log) { seed in
            let twin = try ClusterTests.configuration(1, seeds: ["\(seed.address)"])
            try await withMember(twin, twinLog) { twin in
                let line = try await log.first("another member has this identity")
                #expect(line["member.address"] == .string("\(twin.address)"))
                #expect(line["member.id"] == .string("\(seed.endpointID)"))
                #expect(try text(try await twinLog.first("no seed answers")["remedy"]).contains("another identity"))
            }
        }
        #expect(try log.metadata(of: "another member has this identity").count == 1)
    }

    @Test func `two with one identity that join through others both hear of it, once`() async throws {
        let logs = [try Log(), try Log()]
        try await withMember(try ClusterTests.configuration(3), try Log()) { seed in
            let twin = try ClusterTests.configuration(1, seeds: ["\(seed.address)"])
            try await withMember(twin, logs[0]) { first in
                try await withMember(twin, logs[1]) { second in
                    let address = try await logs[0].first("another member has this identity")["member.address"]
                    #expect(address == .string("\(second.address)"))
                    let other = try await logs[1].first("another member has this identity")["member.address"]
                    #expect(other == .string("\(first.address)"))
                }
            }
        }
        for log in logs { #expect(try log.metadata(of: "another member has this identity").count == 1) }
    }

    @Test func `a holder of the key by whose word a member dies and comes back without end fills no log`() async throws
    {
        let (log, registry) = (try Log(), PrometheusRegistry())
        var configuration = try ClusterTests.configuration(1)
        configuration.messaging.connection.metricsFactory = registry
        try await withMember(configuration, log) { member in
            let ring = SwimKeyring(clusterName: "test", keys: [ClusterTests.key])
            let flood = try Flood(to: member.address)
            let address = try #require(MemberAddress("127.0.0.1:9"))
            var incarnation: UInt64 = 1
            func datagram() -> [UInt8] {
                let id = NumberedIdentity.memberID(2)
                let updates = (0..<10).flatMap { _ in
                    incarnation += 1
                    return [
                        SwimUpdate(id: id, incarnation: incarnation, claim: .alive(address, messagingPort: 0)),
                        SwimUpdate(id: id, incarnation: incarnation, claim: .dead),
                    ]
                }
                let lie = SwimMessage(sender: NumberedIdentity.memberID(3), body: .gossip, updates: updates)
                let nonce = (0..<SwimDatagram.nonceLength).map { _ in UInt8.random(in: 0...255) }
                return ring.seal(lie.encoded(), sentAt: Int64(WallClock.milliseconds), nonce: nonce)
            }
            while failures(registry) < 2_000 {
                flood.send((0..<20).map { _ in datagram() }, count: 20)
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        // 256 that join, 256 that fail, and one more of each kind in 20 s. The suite's limit ends the test after two
        // minutes.
        let lines = try log.metadata(of: "member changed").count
        #expect(lines >= 512 && lines < 512 + 2 * 6, "\(lines) lines")
    }

    private func failures(_ registry: PrometheusRegistry) -> Int {
        let series = "network_protocol_cluster_events_total{change=\"failed\",cluster=\"test\"} "
        let other = "network_protocol_cluster_events_total{cluster=\"test\",change=\"failed\"} "
        let line = registry.text().split(separator: "\n").first { $0.hasPrefix(series) || $0.hasPrefix(other) }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}
