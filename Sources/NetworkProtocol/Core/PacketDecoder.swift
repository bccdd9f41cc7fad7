/// A payload as it came, and what was done to it.
public struct Packet: Sendable, Hashable {
    /// What stands before the payload.
    public let header: PacketHeader
    /// As it was sent: perhaps sealed, perhaps compressed.
    public package(set) var payload: [UInt8]
}

/// Takes a stream of bytes apart into packets, however the stream is cut.
///
/// Every byte of a header is judged when it comes, and nothing is stored for a packet before its whole header is good. A payload
/// is stored once, in the array that the packet hands out; its room grows with what has really arrived.
///
///     var decoder = PacketDecoder()
///     var input = bytes[...]
///     while let packet = try decoder.next(&input) { … }
public struct PacketDecoder: Sendable {
    /// Room that is made at once for a payload, in bytes; beyond it, room is made when this much has arrived.
    package static let firstRoom = 256 * 1024

    /// Longest payload in bytes that is accepted; never more than ``PacketHeader/maximumPayloadLength``. May be changed between packets.
    public var limit: Int {
        didSet { limit = min(max(limit, 0), PacketHeader.maximumPayloadLength) }
    }

    private var headerCount = 0
    private var flags: UInt8 = 0
    private var payloadLength = 0
    private var header: PacketHeader?
    private var payload: [UInt8] = []

    /// - Parameter limit: longest payload to accept, in bytes.
    public init(limit: Int = PacketHeader.maximumPayloadLength) {
        self.limit = min(max(limit, 0), PacketHeader.maximumPayloadLength)
    }

    /// Whether a packet has begun and is not complete.
    public var isInsidePacket: Bool { headerCount > 0 }

    /// Bytes of the packet that has begun which are still missing, as far as its header tells.
    package var missing: Int { header.map { $0.payloadLength - payload.count } ?? 0 }

    /// Room that is made for the payload that has begun, in bytes.
    package var room: Int { payload.capacity }

    /// Takes what it needs from the front of `input`: the next packet, or nil when `input` is used up.
    ///
    /// After an error the stream cannot be read any further.
    public mutating func next<Input>(_ input: inout Input) throws(PacketError) -> Packet?
    where Input: RandomAccessCollection<UInt8>, Input.SubSequence == Input { try read(&input) }

    /// The same for bytes of an array. Compiled for them alone, where the other one costs callers of other modules a call for each byte
    /// of a header.
    public mutating func next(_ input: inout ArraySlice<UInt8>) throws(PacketError) -> Packet? { try read(&input) }

    private mutating func read<Input>(_ input: inout Input) throws(PacketError) -> Packet?
    where Input: RandomAccessCollection<UInt8>, Input.SubSequence == Input {
        while headerCount < PacketHeader.length {
            guard let byte = input.first else { return nil }
            input.removeFirst()
            try take(byte)
        }
        guard let header else { return nil }
        let taken = min(header.payloadLength - payload.count, input.count)
        makeRoom(for: taken, of: header.payloadLength)
        payload.append(contentsOf: input.prefix(taken))
        input.removeFirst(taken)
        guard payload.count == header.payloadLength else { return nil }
        headerCount = 0
        self.header = nil
        payloadLength = 0
        let packet = Packet(header: header, payload: payload)
        payload = []
        return packet
    }

    private mutating func take(_ byte: UInt8) throws(PacketError) {
        switch headerCount {
        case 0..<4:
            guard byte == PacketHeader.magic[headerCount] else {
                throw .wrongMagic(offset: headerCount, found: byte)
            }
        case 4:
            guard byte == PacketHeader.version else { throw .unsupportedVersion(byte) }
        case 5:
            guard PacketFlags(rawValue: byte).isValid else { throw .invalidFlags(byte) }
            flags = byte
        default:
            payloadLength = payloadLength << 8 | Int(byte)
            if headerCount == PacketHeader.length - 1 {
                guard payloadLength <= limit else { throw .payloadTooLong(length: payloadLength, limit: limit) }
                header = try PacketHeader(flags: PacketFlags(rawValue: flags), payloadLength: payloadLength)
            }
        }
        headerCount += 1
    }

    private mutating func makeRoom(for taken: Int, of length: Int) {
        guard taken > 0 else { return }
        if payload.isEmpty {
            payload.reserveCapacity(max(taken, min(length, PacketDecoder.firstRoom)))
        } else if payload.count + taken > PacketDecoder.firstRoom, payload.capacity < length {
            payload.reserveCapacity(length)
        }
    }
}
