internal import Synchronization
internal import Testing

@testable import NetworkProtocol

/// A cluster whose key changes while it runs.
@Suite("A change of a cluster's keys", .timeLimit(.minutes(5)))
struct ClusterKeyChangeTests {
    /// Members that others lost sight of.
    private final class Losses: Sendable {
        let lines = Mutex<[String]>([])
    }

    private static let (old, new) = (SwimDatagramTests.key(1), SwimDatagramTests.key(2))

    private static func configuration(_ number: UInt8, _ keys: [ClusterKey], seeds: [String]) throws
        -> ClusterConfiguration
    {
        var configuration = try ClusterTests.configuration(number, seeds: seeds)
        configuration.keys = keys
        // A member that a loaded machine delays for a second has not failed.
        configuration.period = .milliseconds(500)
        configuration.pingTimeout = .milliseconds(200)
        return configuration
    }

    /// A member that starts now with these keys finds the members 1 to 3, and requests go both ways with each of them.
    private static func newcomer(_ number: UInt8, _ keys: [ClusterKey], among clusters: [Cluster]) async throws {
        let seeds = try await clusters.asyncMap { "\(try #require(await $0.started()).address)" }
        let cluster = Cluster(
            try configuration(number, keys, seeds: seeds),
            dispatcher: ClusterMessagingTests.dispatcher(number)
        )
        let run = Task { try await cluster.run() }
        let own = try #require(await cluster.started())
        try await ClusterTests.wait(cluster, for: [1, 2, 3])
        for member in cluster.members {
            #expect(try await cluster.request("who", to: member) == [member.number, number])
        }
        for (index, other) in clusters.enumerated() {
            while !other.members.contains(where: { $0.number == number }) {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try await other.request("who", to: own.endpointID) == [number, UInt8(index + 1)])
        }
        await cluster.leave()
        try await run.value
    }

    @Test
    func
        `a change of a cluster's keys step by step on one member after another splits off no member, and excludes holders of the old key`()
        async throws
    {
        var clusters: [Cluster] = []
        var seeds: [String] = []
        var runs: [Task<Void, any Error>] = []
        defer { for run in runs { run.cancel() } }
        for number in UInt8(1)...3 {
            let configuration = try Self.configuration(number, [Self.old], seeds: seeds)
            let cluster = Cluster(configuration, dispatcher: ClusterMessagingTests.dispatcher(number))
            clusters.append(cluster)
            let run = Task { try await cluster.run() }
            runs.append(run)
            let own = try #require(await cluster.started())
            seeds = ["\(own.address)"]
        }
        let members = clusters
        try await ClusterMessagingTests.waitForAll(members)
        try await withThrowingTaskGroup { group in
            // All the time, each member is informed of members that leave, and sends requests to the others.
            let lost = Losses()
            for (index, cluster) in members.enumerated() {
                group.addTask {
                    for await event in cluster.events where [.failed, .left].contains(event.change) {
                        guard event.member.number <= 3 else { continue }
                        lost.lines.withLock { $0.append("\(index + 1) lost \(event.member.number)") }
                    }
                }
                group.addTask {
                    while !Task.isCancelled {
                        for member in cluster.members where member.number <= 3 {
                            let reply = try await cluster.request("who", to: member)
                            #expect(reply == [member.number, UInt8(index + 1)])
                        }
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
            var number: UInt8 = 4
            for keys in [[Self.old, Self.new], [Self.new, Self.old], [Self.new]] {
                for (index, cluster) in members.enumerated() {
                    let before = cluster.keys
                    try cluster.changeKeys(to: keys)
                    #expect(cluster.keys == keys)
                    // In the middle of a step: with the keys of members that are not there yet, and with those of the
                    // others.
                    guard index == 0 else { continue }
                    try await Self.newcomer(number, before, among: members)
                    try await Self.newcomer(number + 1, keys, among: members)
                    number += 2
                }
                try await Self.newcomer(number, keys, among: members)
                number += 1
            }
            #expect(lost.lines.withLock { $0 }.isEmpty)
            // A member with only the old key stays outside.
            let address = try #require(await members[0].started()).address
            let late = Cluster(try Self.configuration(number, [Self.old], seeds: ["\(address)"]))
            let run = Task { try await late.run() }
            _ = await late.started()
            try await Task.sleep(for: .seconds(3))
            #expect(late.members.isEmpty && members[0].members.count == 2)
            run.cancel()
            _ = await run.result
            group.cancelAll()
        }
    }

    @Test
    func `a change of a cluster's keys that leaves a step out, or keeps no key, is refused, and nothing has changed`()
        throws
    {
        let cluster = Cluster(try Self.configuration(1, [Self.old], seeds: []))
        for keys in [[Self.new], [Self.new, Self.old]] {
            #expect {
                try cluster.changeKeys(to: keys)
            } throws: {
                "\($0)".contains(": keys: the first one") && "\($0)".contains("behind the present first one")
            }
        }
        for keys in [[], [ClusterKey](repeating: Self.old, count: 9)] {
            #expect {
                try cluster.changeKeys(to: keys)
            } throws: {
                "\($0)".contains(": keys: there are \(keys.count), and there must be 1 to 8")
            }
        }
        #expect(cluster.keys == [Self.old])
    }
}

extension [Cluster] {
    fileprivate func asyncMap<Value>(_ body: (Cluster) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for cluster in self { values.append(try await body(cluster)) }
        return values
    }
}
