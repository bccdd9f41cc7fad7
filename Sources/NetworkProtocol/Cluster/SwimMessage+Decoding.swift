/// Why bytes are no message. A holder of the key that sends such bytes has another version or is broken.
package enum SwimMessageError: Error, Hashable, CustomStringConvertible {
    case tooLong(bytes: Int)
    case truncated
    case unknownType(UInt8)
    case unknownFlags(UInt8)
    case unknownClaim(UInt8)
    case unknownFamily(UInt8)
    case invalidMember
    case invalidAddress
    case invalidIncarnation
    case invalidAccusers
    case trailingBytes(Int)

    package var description: String {
        switch self {
        case .tooLong(let bytes): "a message of \(bytes) bytes; the longest has \(SwimMessage.maximumLength)"
        case .truncated: "a message ends too early"
        case .unknownType(let type): "a message has the unknown type \(type)"
        case .unknownFlags(let flags): "a message has the unknown flags \(flags)"
        case .unknownClaim(let claim): "an update makes the unknown claim \(claim)"
        case .unknownFamily(let family): "an address has the unknown family \(family)"
        case .invalidMember: "the id of a member is 32 zero bytes"
        case .invalidAddress: "an address is none of a single host with a port, or mapped"
        case .invalidIncarnation: "an incarnation is 2^56 or more"
        case .invalidAccusers: "a suspicion has no accusers, more than \(SwimAccusers.limit), or not in ascending order"
        case .trailingBytes(let bytes): "\(bytes) bytes follow the last update"
        }
    }
}

extension SwimMessage {
    /// Decodes a whole message; nothing of a refused one is used.
    package init(decoding bytes: [UInt8]) throws(SwimMessageError) {
        guard bytes.count <= Self.maximumLength else { throw .tooLong(bytes: bytes.count) }
        var reader = SwimReader(bytes: bytes)
        let type = try reader.number(UInt8.self)
        sender = try reader.member()
        switch type {
        case 1: body = .ping(sequence: try reader.number(), target: try reader.member())
        case 2: body = .ack(sequence: try reader.number())
        case 3: body = .nack(sequence: try reader.number())
        case 4: body = .pingRequest(sequence: try reader.number(), target: try reader.member())
        case 5: body = .gossip
        case 6:
            body = .pull(
                sequence: try reader.number(),
                isAnswer: try reader.flag(),
                cursor: try reader.cursor(),
                digest: try reader.number()
            )
        case 7:
            body = .page(
                sequence: try reader.number(),
                isLast: try reader.flag(),
                cursor: try reader.cursor(),
                through: try reader.cursor()
            )
        default: throw .unknownType(type)
        }
        let count = Int(try reader.number(UInt8.self))
        updates = []
        // The shortest update has 41 bytes: a count alone allocates little.
        updates.reserveCapacity(min(count, reader.remaining / 41))
        for _ in 0..<count { updates.append(try reader.update()) }
        guard reader.remaining == 0 else { throw .trailingBytes(reader.remaining) }
    }
}

private struct SwimReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - position }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(SwimMessageError) -> Number {
        guard remaining >= Number.bitWidth / 8 else { throw .truncated }
        var number: UInt64 = 0
        for _ in 0..<(Number.bitWidth / 8) {
            number = number << 8 | UInt64(bytes[position])
            position += 1
        }
        return Number(truncatingIfNeeded: number)
    }

    mutating func cursor() throws(SwimMessageError) -> MemberID {
        MemberID(words: (try number(), try number(), try number(), try number()))
    }

    mutating func member() throws(SwimMessageError) -> MemberID {
        let id = try cursor()
        guard id != .lowest else { throw .invalidMember }
        return id
    }

    mutating func flag() throws(SwimMessageError) -> Bool {
        let flags = try number(UInt8.self)
        guard flags <= 1 else { throw .unknownFlags(flags) }
        return flags == 1
    }

    mutating func update() throws(SwimMessageError) -> SwimUpdate {
        let claim = try number(UInt8.self)
        let id = try member()
        let incarnation = try number(UInt64.self)
        guard incarnation < SwimUpdate.incarnationLimit else { throw .invalidIncarnation }
        switch claim {
        case 1:
            let address = try address()
            let alive = SwimUpdate.Claim.alive(address, messagingPort: try number())
            return SwimUpdate(id: id, incarnation: incarnation, claim: alive)
        case 2: return SwimUpdate(id: id, incarnation: incarnation, claim: .suspect(try accusers()))
        case 3: return SwimUpdate(id: id, incarnation: incarnation, claim: .dead)
        case 4: return SwimUpdate(id: id, incarnation: incarnation, claim: .left)
        default: throw .unknownClaim(claim)
        }
    }

    private mutating func address() throws(SwimMessageError) -> MemberAddress {
        let family = try number(UInt8.self)
        guard family == 4 || family == 6 else { throw .unknownFamily(family) }
        let length = family == 4 ? 4 : 16
        guard remaining >= length else { throw .truncated }
        let ip = bytes[position..<(position + length)]
        position += length
        guard let address = MemberAddress(ip: ip, port: try number()), address.isUnicast,
            address.isIPv4 == (family == 4)
        else { throw .invalidAddress }
        return address
    }

    private mutating func accusers() throws(SwimMessageError) -> SwimAccusers {
        let count = Int(try number(UInt8.self))
        guard (1...SwimAccusers.limit).contains(count) else { throw .invalidAccusers }
        var accusers = SwimAccusers()
        for index in 0..<count {
            let tag = try number(UInt32.self)
            guard index == 0 || accusers[index - 1] < tag else { throw .invalidAccusers }
            accusers.insert(tag)
        }
        return accusers
    }
}
