internal import Testing

@testable import NetworkProtocol

@Suite("Any message")
struct MessagePropertyTests {
    @Test(arguments: 0..<200)
    func `any message is the same after any format, in any pieces`(seed: Int) throws {
        var generator = SplitMix64(seed: UInt64(seed))
        let messages = (0..<8).map { _ in Message.random(&generator) }
        var stream: [UInt8] = []
        for message in messages {
            let payload = message.payload(in: MessageFormat.allCases.randomElement(using: &generator) ?? .bincode)
            try PacketHeader(flags: [], payloadLength: payload.count).write(to: &stream)
            stream += payload
        }
        var decoder = PacketDecoder()
        var read: [Message] = []
        var rest = stream[...]
        while !rest.isEmpty {
            // From single bytes to everything at once.
            let most = [1, 3, 11, 1000, stream.count].randomElement(using: &generator) ?? 1
            var piece = rest.prefix(Int.random(in: 1...most, using: &generator))
            rest = rest.dropFirst(piece.count)
            while let packet = try decoder.next(&piece) { read.append(try Message(payload: packet.payload)) }
            #expect(piece.isEmpty)
        }
        #expect(read == messages)
        #expect(!decoder.isInsidePacket)
    }

    @Test func `any message that is changed anywhere is another message or none, and nothing traps`() {
        var generator = SplitMix64(seed: 7)
        for _ in 0..<2_000 {
            let format = MessageFormat.allCases.randomElement(using: &generator) ?? .bincode
            var payload = Message.random(&generator).payload(in: format)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: payload.indices, using: &generator)
                payload[index] = UInt8.random(in: 0 ... .max, using: &generator)
            }
            guard let message = try? Message(payload: payload) else { continue }
            // Decoded messages can be encoded again.
            #expect((try? Message(payload: message.payload(in: .bincode))) == message)
        }
    }
}

extension Message {
    static func random(_ generator: inout some RandomNumberGenerator) -> Message {
        func bytes(_ most: Int) -> [UInt8] { generator.bytes(Int.random(in: 0...most, using: &generator)) }
        func text() -> String {
            String(
                String.UnicodeScalarView(
                    (0..<Int.random(in: 0...40, using: &generator)).compactMap { _ in
                        Unicode.Scalar(UInt32.random(in: 0...0x1_FFFF, using: &generator))
                    }
                )
            )
        }
        func number() -> UInt64 {
            UInt64.random(in: 0 ... .max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
        }
        switch Int.random(in: 0...12, using: &generator) {
        case 0: return .ping
        case 1: return .pong
        case 2:
            return .handshakeInit(
                HandshakeInit(publicKey: generator.bytes(32), timestamp: number(), nonce: generator.bytes(16))
            )
        case 3:
            return .handshakeResponse(
                HandshakeResponse(publicKey: generator.bytes(32), nonce: generator.bytes(16), challenge: bytes(200))
            )
        case 4: return .handshakeConfirm(HandshakeConfirm(challenge: bytes(200)))
        case 5: return .echo(text())
        case 6: return .disconnect
        case 7: return .custom(command: text(), payload: bytes(2_000))
        case 8: return .data(bytes(70_000))
        case 9: return .unknown
        case 10: return .request(id: number(), command: text(), payload: bytes(300))
        case 11: return .response(id: number(), payload: bytes(300))
        default:
            return .failure(
                id: number(),
                code: FailureCode(rawValue: UInt32.random(in: 0 ... .max, using: &generator)),
                reason: text()
            )
        }
    }
}
