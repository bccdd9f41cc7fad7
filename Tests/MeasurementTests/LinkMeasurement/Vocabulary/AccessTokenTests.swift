internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite struct AccessTokenTests {
    @Test func `hex and bytes round trip in order`() throws {
        let token = try #require(AccessToken(hex: "000102030405060708090A0b0c0d0e0f"))
        #expect(token.bytes == Array(0...15))
        #expect(token.hex == "000102030405060708090a0b0c0d0e0f")
        #expect(AccessToken(token.bytes) == token)
    }

    @Test(arguments: [
        "", "00", String(repeating: "0", count: 31), String(repeating: "0", count: 33),
        "0x0102030405060708090a0b0c0d0e0f1",
    ])
    func `anything but thirty two digits is refused`(text: String) {
        #expect(AccessToken(hex: text) == nil)
    }

    @Test func `tokens that differ in any bit differ`() {
        let zero = AccessToken(high: 0, low: 0)
        for bit in 0..<64 {
            #expect(AccessToken(high: 1 << bit, low: 0) != zero)
            #expect(AccessToken(high: 0, low: 1 << bit) != zero)
        }
        #expect(AccessToken.random() != AccessToken.random())
    }

    @Test func `a token does not show itself`() {
        let token = AccessToken.random()
        #expect(!"\(token)".contains(token.hex.prefix(4)))
    }
}
