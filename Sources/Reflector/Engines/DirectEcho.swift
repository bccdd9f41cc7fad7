internal import LinkMeasurement
internal import PacketIO

/// The UDP echo of one test in direct mode: a socket and a thread that live as long as the test.
struct DirectEcho: Sendable {
    private let server: EchoServer
    private let token: AccessToken

    var port: Int { Int(server.port) }

    static func start(
        for session: LiveSession,
        token: AccessToken,
        address: String,
        ports: ClosedRange<Int>,
        packetsPerSecond: Int
    ) throws -> DirectEcho {
        let target = try DirectAddress(for: session, address: address, ports: ports)
        let server = try EchoServer(socket: Socket.firstFreeUDP(on: target.local, ports: target.ports))
        try server.admit(
            EchoPermit(
                token: token,
                peer: .host(target.peer),
                maximumPacketsPerSecond: packetsPerSecond,
                account: session
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
