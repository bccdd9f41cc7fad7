internal import Testing

@testable import NetworkProtocol

@Suite("Packets")
struct PacketTests {
    @Test func `packets have ten bytes of header before the payload`() throws {
        let header = try PacketHeader(flags: [.zstd, .encrypted], payloadLength: 0x0102_03)
        #expect(header.bytes == [0xDE, 0xAD, 0xBE, 0xEF, 1, 6, 0, 1, 2, 3])
        let inline = header.inlineBytes
        #expect(inline.indices.map { inline[$0] } == header.bytes)
    }

    @Test func `a payload of 16 MiB is the longest`() throws {
        _ = try PacketHeader(flags: [], payloadLength: 16 * 1024 * 1024)
        #expect(throws: PacketError.payloadTooLong(length: 16_777_217, limit: 16_777_216)) {
            _ = try PacketHeader(flags: [], payloadLength: 16_777_217)
        }
    }

    @Test(arguments: 0..<4)
    func `a wrong byte of the magic number is refused when it comes`(offset: Int) throws {
        for byte in UInt8.min...UInt8.max where byte != PacketHeader.magic[offset] {
            var decoder = PacketDecoder()
            var input = (PacketHeader.magic[..<offset] + [byte])[...]
            #expect(throws: PacketError.wrongMagic(offset: offset, found: byte)) { _ = try decoder.next(&input) }
        }
    }

    @Test func `every version but 1 and every unknown or contradictory flag is refused when it comes`() {
        for byte in UInt8.min...UInt8.max {
            var decoder = PacketDecoder()
            var input = (PacketHeader.magic + [byte])[...]
            if byte == 1 {
                #expect(throws: Never.self) { _ = try decoder.next(&input) }
            } else {
                #expect(throws: PacketError.unsupportedVersion(byte)) { _ = try decoder.next(&input) }
            }
            decoder = PacketDecoder()
            input = (PacketHeader.magic + [1, byte])[...]
            if [0, 1, 2, 4, 5, 6].contains(byte) {
                #expect(throws: Never.self) { _ = try decoder.next(&input) }
            } else {
                #expect(throws: PacketError.invalidFlags(byte)) { _ = try decoder.next(&input) }
            }
        }
    }

    @Test(arguments: [[0xFF, 0xFF, 0xFF, 0xFF], [0x01, 0x00, 0x00, 0x01], [0x7F, 0xFF, 0xFF, 0xFF]] as [[UInt8]])
    func `a length that is too long is refused with the header's last byte, and nothing is stored`(length: [UInt8]) {
        var decoder = PacketDecoder()
        var input = (PacketHeader.magic + [1, 0] + length)[...]
        let claimed = length.reduce(0) { $0 << 8 | Int($1) }
        #expect(throws: PacketError.payloadTooLong(length: claimed, limit: 16_777_216)) { _ = try decoder.next(&input) }
    }

    @Test func `a limit can be lower, and never higher than 16 MiB`() {
        var decoder = PacketDecoder(limit: 4)
        var input = (PacketHeader.magic + [1, 0, 0, 0, 0, 5])[...]
        #expect(throws: PacketError.payloadTooLong(length: 5, limit: 4)) { _ = try decoder.next(&input) }
        decoder.limit = .max
        #expect(decoder.limit == PacketHeader.maximumPayloadLength)
    }

    @Test func `room is made for what has come, not for what is claimed`() throws {
        var decoder = PacketDecoder()
        var input = (PacketHeader.magic + [1, 0, 1, 0, 0, 0] + [7])[...]
        let packet = try decoder.next(&input)
        #expect(packet == nil)
        #expect(decoder.isInsidePacket)
        #expect(decoder.missing == 16 * 1024 * 1024 - 1)
        #expect(decoder.room <= 2 * PacketDecoder.firstRoom)
    }

    @Test func `an empty payload is a packet`() throws {
        var decoder = PacketDecoder()
        var input = (PacketHeader.magic + [1, 0, 0, 0, 0, 0] + PacketHeader.magic)[...]
        let next = try decoder.next(&input)
        let packet = try #require(next)
        #expect(packet.payload.isEmpty)
        #expect(input.count == 4)
    }

    @Test func `what has come is made room for at once`() throws {
        let length = 3 * PacketDecoder.firstRoom
        let stream = try PacketHeader(flags: [], payloadLength: length).bytes + [UInt8](repeating: 1, count: length)
        var decoder = PacketDecoder()
        var input = stream[...]
        let next = try decoder.next(&input)
        let packet = try #require(next)
        // Memory that grew in steps would be twice as much as needed.
        #expect(packet.payload.count == length && packet.payload.capacity < length + length / 4)
    }

    @Test func `a header alone takes no room for its payload`() throws {
        var decoder = PacketDecoder()
        var input = try PacketHeader(flags: [], payloadLength: 1_000).bytes[...]
        let packet = try decoder.next(&input)
        #expect(packet == nil && decoder.missing == 1_000 && decoder.room == 0)
    }
}
