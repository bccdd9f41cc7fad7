internal import LinkMeasurement
internal import Operations

/// What runs for a test beside its tunnels, and must be stopped with it.
enum SessionEngine: Sendable {
    /// Nothing: all bytes come through tunnels.
    case tunnels
    /// With its gate if the test is direct.
    case iperf(IperfServer, IperfGate?)
    case direct(DirectNativeServer)
    case directEcho(DirectEcho)

    /// The port in the grant; 0 if tunneled.
    func port(in mode: DataMode) -> Int {
        switch (self, mode) {
        case (_, .tunneled), (.tunnels, _): 0
        case (.iperf(_, let gate), .directEphemeral): gate?.port ?? 0
        case (.direct(let server), .directEphemeral): server.port
        case (.directEcho(let echo), .directEphemeral): echo.port
        }
    }

    var credentials: IperfCredentials? {
        if case .iperf(let server, _) = self { server.credentials } else { nil }
    }

    var pid: Int32? {
        if case .iperf(let server, _) = self { server.process.pid } else { nil }
    }
}
