internal import Cryptography
internal import NIOCore
internal import Testing

@testable import NetworkProtocol

@Suite("A payload in two pieces")
struct SplitPayloadTests {
    private static let secret = Secret([UInt8](repeating: 9, count: 32))
    private static let bytes = (0..<5_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    private static let threshold = SplitPayload.shortestSplit - SplitPayload.headLength

    /// Data around the length from which payloads are split, and every other kind of long message.
    private static let payloads: [[UInt8]] =
        [0, 1, threshold - 1, threshold, threshold + 1, 5_000].map { count in
            Message.data(Array(bytes.prefix(count))).payload()
        } + [
            Message.custom(command: "store", payload: bytes).payload(),
            Message.request(id: 7, command: "store", payload: bytes).payload(),
            Message.response(id: 7, payload: bytes).payload(),
            Message.echo(String(repeating: "é", count: 2_500)).payload(),
            Message.data(bytes).payload(in: .json),
            Message.data(bytes).payload(in: .messagePack),
            // Marked bincode, whose fields start one byte later.
            [1] + Message.data(bytes).payload(),
        ]

    /// The packet as it arrives in these pieces.
    private func joined(_ packet: [UInt8], cutAt cut: Int) throws -> (PacketHeader, SplitPayload) {
        var decoder = PacketDecoder()
        for piece in [packet[..<cut], packet[cut...]] {
            var position = 0
            let piece = Array(piece)
            switch try decoder.frame(piece.span, at: &position) {
            case .joined(let header, let payload): return (header, payload)
            case .whole(let header, let range): return (header, SplitPayload(copying: piece.span.extracting(range)))
            case nil: #expect(position == piece.count)
            }
        }
        throw PacketError.payloadTooLong(length: packet.count, limit: cut)
    }

    private func packet(_ payload: [UInt8], _ sealer: inout RecordSealer) throws -> [UInt8] {
        let header = try PacketHeader(flags: .encrypted, payloadLength: payload.count + RecordCipher.tagLength).bytes
        var bytes = payload + [UInt8](repeating: 0, count: RecordCipher.tagLength)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        sealer.seal(&raw, header: header.span.bytes)
        return header + bytes
    }

    /// Around the header, the first piece and the end.
    private func cuts(_ length: Int) -> [Int] {
        let near = [0, 1, 9, 10, 11, 21, 22, 23, 30]
        return (near + [length / 2, length - 17, length - 16, length - 1]).filter { (0...length).contains($0) }
    }

    @Test(arguments: payloads)
    func `a message is the same wherever its packet is cut`(payload: [UInt8]) throws {
        let expected = try Message(payload: payload)
        let header = try PacketHeader(flags: [], payloadLength: payload.count)
        for cut in cuts(PacketHeader.length + payload.count) {
            let (_, joined) = try joined(header.bytes + payload, cutAt: cut)
            #expect(joined.count == payload.count)
            let content = try InboundPayload(joined, flags: [], limit: .max).read()
            #expect(content.message == expected && content.bytes == payload.count, "cut at \(cut)")
        }
    }

    @Test(arguments: payloads)
    func `a sealed message is the same wherever its packet is cut`(payload: [UInt8]) throws {
        let contexts = CipherContexts()
        let expected = try Message(payload: payload)
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: .now)
        var opener = RecordOpener(secret: Self.secret, contexts: contexts)
        for _ in 0..<2 {
            for cut in cuts(PacketHeader.length + payload.count + RecordCipher.tagLength) {
                let (header, joined) = try joined(try packet(payload, &sealer), cutAt: cut)
                let record = opener.open(joined, of: header)
                let content = try InboundPayload(try #require(record), flags: [], limit: .max).read()
                #expect(content.message == expected && content.bytes == payload.count, "cut at \(cut)")
            }
        }
    }

    @Test func `a sealed message that is changed in either piece does not open`() throws {
        let contexts = CipherContexts()
        let payload = Message.data(Self.bytes).payload()
        var sealer = RecordSealer(secret: Self.secret, contexts: contexts, now: .now)
        let record = try packet(payload, &sealer)
        var opener = RecordOpener(secret: Self.secret, contexts: contexts)
        let first = PacketHeader.length
        for index in [first, first + 11, first + 12, first + 13, 4_500, record.count - 17, record.count - 1] {
            var changed = record
            changed[index] ^= 1
            let (header, joined) = try joined(changed, cutAt: 40)
            let isOpened = opener.open(joined, of: header) != nil
            #expect(!isOpened, "byte \(index)")
        }
        let (header, joined) = try joined(record, cutAt: 40)
        let opened = opener.open(joined, of: header)?.joined()
        #expect(opened == payload)
    }

    @Test func `the data of a long message stays where it arrived`() throws {
        let payload = Message.data(Self.bytes).payload()
        let header = try PacketHeader(flags: [], payloadLength: payload.count)
        var (_, joined) = try joined(header.bytes + payload, cutAt: 1_000)
        let address = joined.withPieces { _, rest in rest.withUnsafeMutableBytes { UnsafeRawPointer($0.baseAddress) } }
        guard case .data(let data) = try InboundPayload(joined, flags: [], limit: .max).read().message else {
            Issue.record("not the data that was sent")
            return
        }
        let place = data.withUnsafeBytes { UnsafeRawPointer($0.baseAddress) }
        #expect(address != nil && place == address)
    }

    @Test(arguments: [-1, 1, 1 << 40])
    func `a long message with a wrong length is refused as in one piece`(change: Int) throws {
        var payload = Message.data(Self.bytes).payload()
        let length = UInt64(Self.bytes.count + change)
        for index in 0..<8 { payload[4 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        let whole = #expect(throws: MessageError.self) { try Message(payload: payload) }
        let inbound = InboundPayload(SplitPayload(copying: payload.span), flags: [], limit: .max)
        let split = #expect(throws: ConnectionError.self) { try inbound.read() }
        #expect(split?.description == whole.map { ConnectionError.malformedMessage($0).description })
    }
}
