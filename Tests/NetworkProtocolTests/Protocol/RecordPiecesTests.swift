internal import Cryptography
internal import Testing

@testable import NetworkProtocol

@Suite("Records that are opened while they arrive")
struct RecordPiecesTests {
    private static let secret = Secret([UInt8](repeating: 9, count: 32))
    private static let shortest = RecordOpener.shortestInPieces - RecordCipher.tagLength

    private static func payload(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    private final class Sender {
        var sealer: RecordSealer

        init(_ contexts: CipherContexts) { sealer = RecordSealer(secret: secret, contexts: contexts, now: .now) }

        func record(_ payload: [UInt8]) throws -> [UInt8] {
            let length = payload.count + RecordCipher.tagLength
            let header = try PacketHeader(flags: .encrypted, payloadLength: length).bytes
            var bytes = payload + [UInt8](repeating: 0, count: RecordCipher.tagLength)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            sealer.seal(&raw, header: header.span.bytes)
            return header + bytes
        }
    }

    private final class Receiver {
        var opener: RecordOpener
        var decoder = PacketDecoder()

        init(_ contexts: CipherContexts) { opener = RecordOpener(secret: secret, contexts: contexts) }

        /// What opens when the bytes arrive in these pieces; nil where a record is not authentic.
        func open(_ pieces: [ArraySlice<UInt8>]) throws -> [[UInt8]?] {
            var opened: [[UInt8]?] = []
            for piece in pieces {
                let piece = Array(piece)
                var position = 0
                while let frame = try opener.frame(of: &decoder, piece.span, at: &position) {
                    switch consume frame {
                    case .whole(let header, let range):
                        let payload = SplitPayload(copying: piece.span.extracting(range))
                        opened.append(opener.open(payload, of: header)?.joined())
                    case .joined(let header, let payload): opened.append(opener.open(payload, of: header)?.joined())
                    }
                }
                #expect(position == piece.count)
            }
            return opened
        }
    }

    private let contexts = CipherContexts(capacity: 1)
    private let sender: Sender
    private let receiver: Receiver

    init() {
        sender = Sender(contexts)
        receiver = Receiver(contexts)
    }

    @Test(arguments: [shortest - 1, shortest, shortest + 1, 65_548])
    func `a record is the same wherever it is cut`(length: Int) throws {
        let payload = Self.payload(length)
        let count = PacketHeader.length + length + RecordCipher.tagLength
        for cut in [0, 1, 9, 10, 11, 21, 22, 23, 86, count / 2, count - 17, count - 16, count - 15, count - 1, count] {
            let bytes = try sender.record(payload)
            let opened = try receiver.open([bytes[..<cut], bytes[cut...]])
            #expect(opened == [payload], "cut at \(cut)")
        }
    }

    @Test func `records that arrive byte by byte, and records of other lengths between them, all open`() throws {
        let lengths = [Self.shortest + 5, 0, 3, Self.shortest, 5_000, Self.shortest + 70]
        var bytes: [UInt8] = []
        for length in lengths {
            bytes += try sender.record(Self.payload(length))
            // An empty record changes the key.
            if length == 0 { sender.sealer.rekey(now: .now) }
        }
        let opened = try receiver.open(bytes.indices.map { bytes[$0...$0] })
        #expect(opened == lengths.map(Self.payload))
    }

    @Test func `another record of the owner opens before one that arrives is complete`() throws {
        let other = Receiver(contexts)
        let payload = Self.payload(20_000)
        let bytes = try sender.record(payload)
        #expect(try receiver.open([bytes[..<9_000]]).isEmpty)
        #expect(try other.open([bytes[...]]) == [payload])
        #expect(try receiver.open([bytes[9_000...]]) == [payload])
    }

    @Test func `a record that is changed anywhere does not open`() throws {
        let bytes = try sender.record(Self.payload(20_000))
        let first = PacketHeader.length
        let last = bytes.count - 1
        for index in [first, first + 11, first + 12, 9_000, 15_000, last - 16, last - 15, last] {
            var changed = bytes
            changed[index] ^= 1
            let opened = try receiver.open([changed[..<40], changed[40..<10_000], changed[10_000...]])
            #expect(opened == [nil], "byte \(index)")
        }
        // A record that does not open takes no number.
        let opened = try receiver.open([bytes[..<40], bytes[40...]])
        #expect(opened == [Self.payload(20_000)])
        let again = try receiver.open([bytes[..<40], bytes[40...]])
        #expect(again == [nil])
    }

    @Test func `a changed length does not open, and a packet in the clear does not either`() throws {
        var longer = try sender.record(Self.payload(20_000))
        longer[9] += 1
        longer.append(0)
        #expect(try receiver.open([longer[..<5_000], longer[5_000...]]) == [nil])
        var clear = try sender.record(Self.payload(20_000))
        clear[5] = 0
        #expect(try receiver.open([clear[..<5_000], clear[5_000...]]) == [nil])
    }

    @Test func `the data of a record stays where it was opened`() throws {
        let data = Self.payload(65_536)
        let bytes = try sender.record(Message.data(data).payload())
        var places: [UnsafeRawPointer?] = []
        for piece in [Array(bytes[..<30_000]), Array(bytes[30_000...])] {
            var position = 0
            let frame = try receiver.opener.frame(of: &receiver.decoder, piece.span, at: &position)
            guard case .joined(let header, var payload) = consume frame else { continue }
            places.append(
                payload.withPieces { _, rest in rest.withUnsafeMutableBytes { UnsafeRawPointer($0.baseAddress) } }
            )
            let record = receiver.opener.open(consume payload, of: header)
            let content = try InboundPayload(try #require(record), flags: [], limit: .max).read()
            guard case .data(let read) = content.message else { continue }
            #expect(read == data)
            places.append(read.withUnsafeBytes { UnsafeRawPointer($0.baseAddress) })
        }
        #expect(places.count == 2 && places[0] == places[1])
    }
}
