internal import Identity
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Messages with secrets")
struct SecretTextTests {
    @Test func `messages with secrets show no token and no password in a text that is made of them`() throws {
        let token = AccessToken.random()
        let grant = SessionGrant(
            testID: "t",
            mode: .directEphemeral,
            port: 5201,
            token: "SECRET",
            expiresAt: "2026-01-01T00:00:00Z",
            credentials: IperfCredentials(username: "u", password: "SECRET", publicKey: "k"),
            echo: EchoGrant(port: 1, token: "SECRET")
        )
        let values: [Any] = [
            PairRequest(token: "SECRET"), grant, TunnelOpen(testID: "t", token: "SECRET"),
            LinkMessage.sessionGrant(grant),
            LinkMessage.pairRequest(PairRequest(token: "SECRET")),
            ControlReply.pairing(
                PairingOffer(endpointID: IdentityKey().endpointID, token: "SECRET", ttlSec: 1, host: "h", port: 1)
            ),
        ]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] { #expect(!text.contains("SECRET"), "\(text)") }
        }
        var dumped = ""
        dump(token, to: &dumped)
        // Each half of a token is a number of some 20 digits.
        #expect(dumped.split { !$0.isNumber }.allSatisfy { $0.count < 10 }, "\(dumped)")
    }
}
