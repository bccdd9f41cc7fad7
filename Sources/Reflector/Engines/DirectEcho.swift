internal import PacketIO

/// The UDP echo of one test in direct mode: a socket and a thread that live as long as the test.
struct DirectEcho: Sendable {
    private let server: EchoServer
    private let token: AccessToken

    var port: Int { Int(server.port) }

    /// Bytes that a latency probe beside a throughput test may move; the probe is small, its bytes are charged at the end.
    private static let probeBudget = 64 << 20

    static func start(
        for session: LiveSession,
        token: AccessToken,
        address: String,
        ports: ClosedRange<Int>,
        packetsPerSecond: Int
    ) throws -> DirectEcho {
        let place = try DirectPlace(for: session, address: address, ports: ports)
        let server = try EchoServer(socket: Socket.firstFreeUDP(on: place.local, ports: place.ports)) { _ in
            session.budgetSpent()
        }
        try server.admit(
            EchoPermit(
                token: token,
                peer: .host(place.peer),
                maximumPacketsPerSecond: packetsPerSecond,
                byteBudget: UInt64(
                    session.type == .udpEcho ? session.reservedBytes : min(probeBudget, session.reservedBytes)
                )
            )
        )
        try server.start()
        return DirectEcho(server: server, token: token)
    }

    /// Ends the thread and closes the port.
    func stop() async -> EchoCounters {
        let counters = server.revoke(token) ?? EchoCounters()
        // Joins the thread, which wakes at once.
        server.shutdown()
        return counters
    }
}
