internal import Foundation
internal import OwnThread
internal import Testing

/// Beside PyPI's blake3 and cryptography in `.build/python`.
@Suite("Packets and a peer in Python", .ownThread)
struct PacketPeerTests {
    @Test func `keys and packets are those of a peer that was written from the protocol document`() async throws {
        let script = PacketProgram.root.appendingPathComponent("Tests/PacketPeer/peer.py").path
        let (printed, status) = try await PacketProgram.run(
            "/usr/bin/python3",
            [script, try PacketProgram.path("PacketPeer")]
        )
        #expect(status == 0, "\(printed)")
        #expect(printed.hasSuffix("1232 passed, 0 failed\n"), "\(printed)")
    }
}
