internal import Testing

@testable import LinkMeasurement
@testable import PacketIO
@testable import Paramedic
@testable import Reflector

@Suite struct EchoDatagramTests {
    private static let golden: [UInt8] =
        [0x50, 0x50, 0x45, 0x31, 0, 0, 0, 0]
        + [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        + [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]
        + [0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28]
        + [0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38]
        + [0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48]

    private static let datagram = EchoDatagram(
        token: AccessToken(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F),
        sequence: 0x1112_1314_1516_1718,
        clientSend: 0x2122_2324_2526_2728,
        serverReceive: 0x3132_3334_3536_3738,
        serverSend: 0x4142_4344_4546_4748
    )

    @Test func `an echo datagram is written as the table says`() {
        #expect(Self.datagram.bytes() == Self.golden)
        #expect(Self.golden.count == EchoDatagram.headerLength)
    }

    @Test func `an echo datagram is read back with and without payload`() {
        #expect(EchoDatagram(Self.golden) == Self.datagram)
        #expect(EchoDatagram((Self.golden + [1, 2, 3])) == Self.datagram)
    }

    @Test func `every truncation is refused`() {
        for length in 0..<Self.golden.count {
            #expect(EchoDatagram(Array(Self.golden.prefix(length))) == nil)
        }
    }

    @Test func `a wrong byte in magic or flags is refused`() {
        for index in 0..<8 {
            var bytes = Self.golden
            bytes[index] ^= 1
            #expect(EchoDatagram(bytes) == nil)
        }
    }

    @Test func `the longest is read and a longer one refused`() {
        let padding = [UInt8](repeating: 7, count: EchoDatagram.maximumLength - Self.golden.count)
        #expect(EchoDatagram((Self.golden + padding)) == Self.datagram)
        #expect(EchoDatagram((Self.golden + padding + [7])) == nil)
    }

    @Test func `the server's times go to their offsets and nowhere else`() {
        var bytes = Self.golden + [9, 9]
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        EchoDatagram.setServerReceive(1, in: &raw)
        EchoDatagram.setServerSend(-1, in: &bytes)
        let times: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1] + Array(repeating: 255, count: 8)
        #expect(bytes == Array(Self.golden.prefix(40)) + times + [9, 9])
    }
}
