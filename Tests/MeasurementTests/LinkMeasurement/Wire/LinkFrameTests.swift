internal import NIOCore
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Frames of Paramedic Link")
struct LinkFrameTests {
    @Test func `golden bytes: length big endian, then the payload`() throws {
        var buffer = ByteBuffer()
        LinkFrame.encode("{}".utf8, into: &buffer)
        #expect(Array(buffer.readableBytesView) == [0, 0, 0, 2, 0x7b, 0x7d])
    }

    @Test func `frames are found wherever the stream is cut`() throws {
        var stream = ByteBuffer()
        let payloads = ["", "a", String(repeating: "x", count: 300)]
        for payload in payloads { LinkFrame.encode(payload.utf8, into: &stream) }
        let bytes = Array(stream.readableBytesView)
        for cut in 0...bytes.count {
            var decoder = LinkFrameDecoder(limit: 1_000)
            var found: [String] = []
            for part in [bytes[..<cut], bytes[cut...]] {
                decoder.append(ByteBuffer(bytes: part))
                while let payload = try decoder.next() { found.append(String(buffer: payload)) }
            }
            #expect(found == payloads, "cut at \(cut)")
        }
        var decoder = LinkFrameDecoder(limit: 1_000)
        var found: [String] = []
        for byte in bytes {
            decoder.append(ByteBuffer(bytes: [byte]))
            while let payload = try decoder.next() { found.append(String(buffer: payload)) }
        }
        #expect(found == payloads)
    }

    @Test(
        arguments: [1_001, 1 << 20, 4_294_967_295]
    )
    func `an announced length beyond the limit is refused before anything is kept for it`(length: Int) throws {
        var decoder = LinkFrameDecoder(limit: 1_000)
        var header = ByteBuffer()
        header.writeInteger(UInt32(length))
        decoder.append(header)
        #expect(throws: FrameTooLong(announced: length, limit: 1_000)) { try decoder.next() }
        #expect(decoder.takeRemainder()?.readableBytes == 4)
    }

    @Test func `what follows the last frame is handed over`() throws {
        var decoder = LinkFrameDecoder(limit: 1_000)
        var stream = ByteBuffer()
        LinkFrame.encode("a".utf8, into: &stream)
        stream.writeString("raw")
        decoder.append(stream)
        _ = try decoder.next()
        #expect(decoder.takeRemainder().map { String(buffer: $0) } == "raw")
        #expect(decoder.takeRemainder() == nil)
    }
}
