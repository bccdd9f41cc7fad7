internal import NetworkSimulation
internal import Testing

@testable import NetworkProtocol

/// Two connections as values, on a simulated link and in simulated time.
@Suite("A connection as a value")
struct ConnectionCoreTests {
    private let second: Int64 = 1_000_000_000
    private let words = (0..<5).map { Message.data([UInt8](repeating: UInt8($0), count: 40 * $0)) }

    /// Opens, sends five messages each way, and is closed by the client.
    private func talk(_ pair: ConnectionPair, seconds: Int64 = 1) {
        pair.connect()
        pair.run(for: seconds * second)
        for word in words {
            for end in ConnectionPair.End.allCases where pair[end].isOpen { pair.send(word, from: end) }
        }
        pair.run(for: seconds * second)
        pair.finish(.client)
        pair.run()
    }

    @Test(arguments: [true, false])
    func `a connection carries messages in order and ends on both sides, however its bytes are cut`(isSealed: Bool) {
        for seed in 0..<40 as Range<UInt64> {
            let pair = ConnectionPair(seed: seed, trust: isSealed ? .anonymous : nil)
            talk(pair)
            for end in ConnectionPair.End.allCases {
                #expect(pair[end].isOpen && pair[end].received == words, "seed \(seed)")
            }
            #expect(pair[.client].ends == [.closed], "seed \(seed)")
            #expect(pair[.daemon].ends == [.closedByPeer], "seed \(seed)")
        }
    }

    @Test(arguments: [true, false], ConnectionPair.End.allCases)
    func `a connection that is lost ends once on both sides, after whichever byte`(
        isSealed: Bool,
        from end: ConnectionPair.End
    ) {
        let whole = ConnectionPair(seed: 7, trust: isSealed ? .anonymous : nil)
        talk(whole)
        for count in 0..<whole[end].sent {
            let pair = ConnectionPair(seed: UInt64(count), trust: isSealed ? .anonymous : nil)
            pair[end].arriving = count
            talk(pair)
            for end in ConnectionPair.End.allCases {
                #expect(pair[end].ends.count == 1, "\(end) after byte \(count)")
                #expect(words.starts(with: pair[end].received), "\(end) after byte \(count)")
            }
            // Only the peer's own end counts as such.
            if isSealed, pair[end.other].isOpen {
                #expect(pair[end.other].ends != [.closedByPeer], "after byte \(count)")
            }
        }
    }

    @Test func `a connection whose peer falls silent asks each interval and gives up after four`() {
        var options = ConnectionOptions()
        options.heartbeatInterval = .seconds(30)
        let pair = ConnectionPair(options: options)
        pair.connect()
        pair.run(for: second)
        let before = pair[.daemon].pings
        // The client's packets arrive, the daemon's do not, and no system reports it.
        pair.silence(.daemon)
        pair.run(for: 200 * second)
        #expect(pair[.daemon].pings - before == 3)
        #expect(pair[.client].ends == [.dead(after: .seconds(120))])
        let time = (pair[.client].endedAt ?? 0) / second
        #expect((120...121).contains(time))
    }

    @Test func `a connection that does not open in time is cut`() {
        var options = ConnectionOptions()
        options.handshakeTimeout = .seconds(10)
        let pair = ConnectionPair(options: options)
        pair.silence(.daemon)
        pair.connect()
        pair.run(for: 60 * second)
        for end in ConnectionPair.End.allCases {
            #expect(pair[end].ends == [.timedOut(what: "the handshake")])
            #expect(pair[end].endedAt == 10 * second)
        }
    }

    @Test func `a connection opens over a line of 200 bytes a second, and carries messages in order`() {
        var conditions = SimulatedLink.Conditions()
        conditions.rate = 200
        let pair = ConnectionPair(conditions: conditions)
        talk(pair, seconds: 9)
        #expect(pair[.client].ends == [.closed] && pair[.daemon].ends == [.closedByPeer])
        #expect(pair[.daemon].received == words)
    }
}
