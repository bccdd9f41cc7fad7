import Testing

@testable import Reflector

@Suite("Frames to the control socket", .timeLimit(.minutes(5)))
struct ControlFrameTests {
    @Test(
        "an announced length beyond 64 KiB is refused at once, and the socket goes on",
        arguments: [[0x00, 0x01, 0x00, 0x01], [0xff, 0xff, 0xff, 0xff]] as [[UInt8]]
    )
    func tooLong(header: [UInt8]) async throws {
        try await TestReflector.with { reflector in
            let reply = try await RawPeer.withControlSocket(reflector) { peer in
                try await peer.send(header)
                return await peer.text()
            }
            #expect(reply.contains("at most 65536 are accepted here"), "\(reply)")
            guard case .status = try await reflector.ask(.status) else {
                Issue.record("the next request is not answered")
                return
            }
        }
    }
}
