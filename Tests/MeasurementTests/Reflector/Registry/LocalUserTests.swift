internal import Foundation
internal import Identity
internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// Other users of the reflector's or the client's machine, who can connect to loopback.
@Suite("Other users of the machine", .timeLimit(.minutes(3)))
struct LocalUserTests {
    /// `nobody` on most systems.
    private static let stranger = ["setpriv", "--reuid", "65534", "--clear-groups"]

    @Test func `the port that carries iperf3's connections takes those of this user, and no more than a test needs`()
        async throws
    {
        let key = IdentityKey()
        // Where nothing listens: a connection that was taken fails, and says so.
        let client = IperfClient(
            address: ReflectorAddress(host: "127.0.0.1", port: 1, endpointID: key.endpointID),
            context: try LinkClient.context(for: key),
            executable: "iperf3",
            grant: SessionGrant(
                testID: "",
                mode: .tunneled,
                port: 0,
                token: "",
                expiresAt: "",
                engine: .iperf3,
                streams: 1,
                credentials: nil,
                echo: nil
            ),
            params: SessionParameters(durationSec: 1),
            meters: ClientMeters(seconds: 1)
        )
        let forwarder = try await IperfForwarder.start(client)
        try await connect(forwarder.port, as: Self.stranger)
        #expect(forwarder.failure == nil)
        try await connect(forwarder.port, as: [])
        #expect(forwarder.failure != nil)
        await forwarder.stop()
        #expect(client.connections == 2)
    }

    @Test func `iperf3 behind a tunnel serves no one without the grant's credentials, and its test goes on`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            let client = try await reflector.connect(key)
            _ = try await client.hello()
            var params = SessionParameters(durationSec: 30, streams: 1, engine: .iperf3)
            let grant = try await client.request(SessionRequest(testType: .throughput, params: params))
            let granted = try await reflector.audit(.sessionGranted, count: 1)[0]
            let pid = try #require(granted["pid"] as? Int)
            let arguments = try String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8).split(separator: "\0")
            let port = try #require(arguments.drop { $0 != "-p" }.dropFirst().first)
            let command = Self.stranger + ["iperf3", "-c", "127.0.0.1", "-p", String(port), "-t", "1"]
            let exit = try await ChildProcess.start(command[0], Array(command.dropFirst())).exit()
            #expect(exit.code != 0)
            params.durationSec = 1
            let result = try await IperfClient(
                address: reflector.address,
                context: LinkClient.context(for: key),
                executable: "iperf3",
                grant: grant,
                params: params,
                meters: ClientMeters(seconds: 1)
            ).run(host: "127.0.0.1")
            #expect(result[.up] != nil)
            await client.close()
        }
    }

    /// Connects as the given user and waits until the other side closes.
    private func connect(_ port: Int, as user: [String]) async throws {
        let command = user + ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(port) && cat <&3; true"]
        let exit = try await ChildProcess.start(command[0], Array(command.dropFirst())).exit()
        #expect(exit.code == 0)
    }
}
