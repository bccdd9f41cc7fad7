internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// What a reflector sends is as little to be believed as what a client sends.
@Suite("A hostile reflector")
struct HostileReflectorTests {
    private func grant(streams: Int? = 1, port: Int = 5201, echoPort: Int = 0) -> SessionGrant {
        SessionGrant(
            testID: "i",
            mode: .directEphemeral,
            port: port,
            token: "00",
            expiresAt: "",
            engine: .native,
            streams: streams,
            credentials: nil,
            echo: EchoGrant(port: echoPort, token: "11")
        )
    }

    @Test(arguments: [Int.min, -1, 0, 129, Int.max])
    func `a grant of streams or ports that cannot be is refused`(count: Int) throws {
        #expect(throws: LinkClientError.self) { try grant(streams: count).checked() }
    }

    @Test(arguments: [Int.min, -1, 65_536, Int.max])
    func `a grant of a port that cannot be is refused`(number: Int) throws {
        #expect(throws: LinkClientError.self) { try grant(port: number).checked() }
        #expect(throws: LinkClientError.self) { try grant(echoPort: number).checked() }
        #expect(try grant(port: 65_535).checked().port == 65_535)
    }

    @Test func `a reflector's words cannot write to the terminal`() {
        let words = "\u{1b}]0;x\u{7}\u{1b}[31m\u{202e}no\n"
        let errors: [LinkClientError] = [
            .denied(SessionDeny(reason: .busy, message: words, retryAfterSec: nil)),
            .refused(LinkError(code: 1, message: words)),
        ]
        for error in errors {
            for scalar in error.description.unicodeScalars {
                #expect(![.control, .format].contains(scalar.properties.generalCategory))
            }
        }
    }
}
