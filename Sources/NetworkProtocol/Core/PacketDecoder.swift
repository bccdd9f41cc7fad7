/// A payload as it arrived, and how it was encoded.
public struct Packet: Sendable, Hashable {
    /// The header before the payload.
    public let header: PacketHeader
    /// As it was sent: may be sealed or compressed.
    public package(set) var payload: [UInt8]
}

/// Stores the payload of a packet that arrives in pieces.
protocol PayloadPieces: ~Copyable {
    /// Appends as many bytes to `payload` as `piece` has.
    mutating func append(_ piece: Span<UInt8>, of header: PacketHeader, to payload: inout SplitPayload)
}

/// Stores pieces as they arrive.
private struct CopiedPieces: PayloadPieces {
    func append(_ piece: Span<UInt8>, of header: PacketHeader, to payload: inout SplitPayload) { payload.append(piece) }
}

/// Splits a stream of bytes into packets, however the stream is cut.
///
/// Every byte of a header is checked when it arrives, and nothing is stored for a packet before its whole header is
/// valid. A payload is stored once, in the array that the packet returns; the array grows with the bytes that have
/// actually arrived.
///
///     var decoder = PacketDecoder()
///     var input = bytes[...]
///     while let packet = try decoder.next(&input) { … }
public struct PacketDecoder: Sendable {
    /// Memory that is allocated at once for a payload, in bytes; more is allocated after this much has arrived.
    package static let firstRoom = 256 * 1024

    /// Longest accepted payload in bytes; never more than ``PacketHeader/maximumPayloadLength``. May be changed between
    /// packets.
    public var limit: Int {
        didSet { limit = min(max(limit, 0), PacketHeader.maximumPayloadLength) }
    }

    private var headerCount = 0
    private var flags: UInt8 = 0
    private var payloadLength = 0
    private var header: PacketHeader?
    private var payload = SplitPayload()

    /// - Parameter limit: longest payload to accept, in bytes.
    public init(limit: Int = PacketHeader.maximumPayloadLength) {
        self.limit = min(max(limit, 0), PacketHeader.maximumPayloadLength)
    }

    /// Whether a packet has started and is not complete.
    public var isInsidePacket: Bool { headerCount > 0 }

    /// Missing bytes of the partial packet, as far as its header shows.
    package var missing: Int { header.map { $0.payloadLength - payload.count } ?? 0 }

    /// Memory that is allocated for the partial payload, in bytes.
    package var room: Int { payload.capacity }

    /// Takes what it needs from the front of `input`. Returns the next packet, or nil when `input` is used up.
    ///
    /// After an error the rest of the stream cannot be read.
    public mutating func next(_ input: inout ArraySlice<UInt8>) throws(PacketError) -> Packet? {
        var position = 0
        do throws(PacketError) {
            let packet = try next(input.span, at: &position)
            input.removeFirst(position)
            return packet
        } catch {
            input.removeFirst(position)
            throw error
        }
    }

    /// The same for the bytes of `input` starting at `position`, which moves behind the bytes that were taken.
    package mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(PacketError) -> Packet? {
        switch try frame(input, at: &position) {
        case .whole(let header, let payload): Packet(header: header, payload: Array(copying: input.extracting(payload)))
        case .joined(let header, let payload): Packet(header: header, payload: payload.joined())
        case nil: nil
        }
    }

    /// A complete packet.
    enum Frame {
        /// Its whole payload is in the input, in this range. Nothing was copied.
        case whole(PacketHeader, Range<Int>)
        /// It arrived in pieces, which were joined.
        case joined(PacketHeader, SplitPayload)
    }

    /// The next packet, left in place if all of it is there; nil when `input` is used up.
    mutating func frame(_ input: Span<UInt8>, at position: inout Int) throws(PacketError) -> Frame? {
        var pieces = CopiedPieces()
        return try frame(input, at: &position, &pieces)
    }

    /// The same. `pieces` stores the payload of a packet that is not complete.
    mutating func frame<Pieces: PayloadPieces & ~Copyable>(
        _ input: Span<UInt8>,
        at position: inout Int,
        _ pieces: inout Pieces
    ) throws(PacketError) -> Frame? {
        if headerCount == 0, input.count - position >= PacketHeader.length {
            // A wrong byte is found again below, which consumes the bytes before it.
            let header = try? PacketHeader(reading: input, at: position, limit: limit)
            let start = position + PacketHeader.length
            if let header, input.count - start >= header.payloadLength {
                position = start + header.payloadLength
                return .whole(header, start..<position)
            }
        }
        return try gather(input, at: &position, &pieces)
    }

    private mutating func gather<Pieces: PayloadPieces & ~Copyable>(
        _ input: Span<UInt8>,
        at position: inout Int,
        _ pieces: inout Pieces
    ) throws(PacketError) -> Frame? {
        while headerCount < PacketHeader.length {
            guard position < input.count else { return nil }
            position += 1
            try take(input[position - 1])
        }
        guard let header else { return nil }
        let taken = min(header.payloadLength - payload.count, input.count - position)
        makeRoom(for: taken, of: header.payloadLength)
        pieces.append(input.extracting(position..<position + taken), of: header, to: &payload)
        position += taken
        guard payload.count == header.payloadLength else { return nil }
        headerCount = 0
        self.header = nil
        payloadLength = 0
        var joined = SplitPayload()
        swap(&joined, &payload)
        return .joined(header, joined)
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
                payload = SplitPayload(expecting: payloadLength)
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
