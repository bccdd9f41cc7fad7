internal import PacketIO

/// The UDP echo of one test in direct mode: a socket and a thread that live as long as the test.
struct DirectEcho: Sendable {
    private let server: EchoServer
    private let token: AccessToken
    private let session: LiveSession
    /// Taken from the test's allowance; a test that is an echo has reserved its bytes.
    private let taken: Int

    var port: Int { Int(server.port) }

    /// Bytes that a latency probe beside a throughput test takes from the test's budget: 64-byte probes a hundred times a
    /// second for ten minutes.
    private static let probeBudget = 8 << 20

    static func start(
        for session: LiveSession,
        token: AccessToken,
        address: String,
        ports: ClosedRange<Int>,
        packetsPerSecond: Int
    ) throws -> DirectEcho {
        let place = try DirectPlace(for: session, address: address, ports: ports)
        let isTest = session.type == .udpEcho
        let server = try EchoServer(socket: Socket.firstFreeUDP(on: place.local, ports: place.ports)) { _ in
            // A probe that has had its bytes falls silent; the test beside it goes on.
            if isTest { session.budgetSpent() }
        }
        let taken = isTest ? 0 : session.take(probeBudget, moved: 0) ?? 0
        try server.admit(
            EchoPermit(
                token: token,
                peer: .host(place.peer),
                maximumPacketsPerSecond: packetsPerSecond,
                byteBudget: UInt64(isTest ? session.reservedBytes : taken)
            )
        )
        try server.start()
        return DirectEcho(server: server, token: token, session: session, taken: taken)
    }

    /// Ends the thread and closes the port.
    func stop() async -> EchoCounters {
        let counters = server.revoke(token) ?? EchoCounters()
        // Joins the thread, which wakes at once.
        server.shutdown()
        if taken > 0 {
            let moved = min(taken, Int(clamping: counters.bytesIn) + Int(clamping: counters.bytesOut))
            session.giveBack(taken - moved, moved: moved)
        }
        return counters
    }
}
