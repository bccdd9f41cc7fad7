internal import Operations

/// What runs for a test beside its tunnels, and must be stopped with it.
enum SessionEngine: Sendable {
    /// Nothing: all bytes come through tunnels.
    case tunnels
    case iperf(IperfServer)
    case direct(DirectNativeServer)
    case directEcho(DirectEcho)

    /// The port that the grant names; 0 when tunneled.
    func port(in mode: DataMode) -> Int {
        switch (self, mode) {
        case (_, .tunneled), (.tunnels, _): 0
        case (.iperf(let server), .directEphemeral): server.port
        case (.direct(let server), .directEphemeral): server.port
        case (.directEcho(let echo), .directEphemeral): echo.port
        }
    }

    var credentials: IperfCredentials? {
        if case .iperf(let server) = self { server.credentials } else { nil }
    }

    var pid: Int32? {
        if case .iperf(let server) = self { server.process.pid } else { nil }
    }
}
