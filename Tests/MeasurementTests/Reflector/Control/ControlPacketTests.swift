internal import NetworkProtocol
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Packets to the control socket", .timeLimit(.minutes(5)))
struct ControlPacketTests {
    @Test(
        arguments: [
            [0x00, 0x01, 0x00, 0x01], [0xde, 0xad, 0xbe, 0xef, 1, 0, 0xff, 0xff, 0xff, 0xff],
            [0xde, 0xad, 0xbe, 0xef, 1, 0, 0x00, 0x10, 0x00, 0x01],
        ] as [[UInt8]]
    )
    func `what is no packet, or is announced too long, ends its connection, and the socket goes on`(header: [UInt8])
        async throws
    {
        try await TestReflector.with { reflector in
            let reply = try await RawPeer.withControlSocket(reflector) { peer in
                try await peer.send(header)
                return await peer.text()
            }
            #expect(reply == "")
            guard case .status = try await reflector.ask(.status) else {
                Issue.record("the next request is not answered")
                return
            }
        }
    }

    @Test func `a request that is not a request gets an error that says what is wrong`() async throws {
        try await TestReflector.with { reflector in
            let path = ControlSocket.path(inFolder: reflector.folder)
            let client = try await Client.connect(to: .unix(path: path))
            let reply = try await client.request(ControlSocket.command, Array("{}".utf8))
            let text = String(decoding: reply, as: UTF8.self)
            #expect(text.contains("invalid request"), "\(text)")
            await client.close()
        }
    }
}
