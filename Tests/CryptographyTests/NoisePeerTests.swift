internal import Foundation
internal import OwnThread
internal import Testing

/// Beside PyPI's noiseprotocol, which `scripts/test` installs in `.build/python`.
@Suite("Noise and noiseprotocol", .ownThread)
struct NoisePeerTests {
    @Test func `handshakes with noiseprotocol succeed in both roles and both forms of ephemeral keys`() async throws {
        let script = PacketProgram.root.appendingPathComponent("Tests/NoisePeer/peer.py").path
        let (printed, status) = try await PacketProgram.run(
            "/usr/bin/python3",
            [script, try PacketProgram.path("NoisePeer"), "5"]
        )
        #expect(status == 0, "\(printed)")
        // Three handshakes a form and two comparisons a round, and four handshakes of the longest messages.
        #expect(printed.hasSuffix("44 passed, 0 failed\n"), "\(printed)")
    }
}
