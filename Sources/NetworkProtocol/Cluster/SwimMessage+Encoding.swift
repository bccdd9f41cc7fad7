extension SwimMessage {
    /// The message's bytes. At most ``maximumLength`` if its updates were chosen so.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(updates.reduce(body.encodedLength) { $0 + $1.encodedLength })
        bytes.append(body.type)
        bytes.appendBigEndian(sender)
        switch body {
        case .ping(let sequence, let target), .pingRequest(let sequence, let target):
            bytes.appendBigEndian(sequence)
            bytes.appendBigEndian(target)
        case .ack(let sequence), .nack(let sequence):
            bytes.appendBigEndian(sequence)
        case .gossip: break
        case .pull(let sequence, let isAnswer, let cursor, let digest):
            bytes.appendBigEndian(sequence)
            bytes.append(isAnswer ? 1 : 0)
            bytes.appendBigEndian(cursor)
            bytes.appendBigEndian(digest)
        case .page(let sequence, let isLast, let cursor, let through):
            bytes.appendBigEndian(sequence)
            bytes.append(isLast ? 1 : 0)
            bytes.appendBigEndian(cursor)
            bytes.appendBigEndian(through)
        }
        precondition(updates.count <= 255, "updates are chosen by length, and the shortest has 41 bytes")
        bytes.append(UInt8(updates.count))
        for update in updates { update.append(to: &bytes) }
        return bytes
    }
}

extension SwimMessage.Body {
    fileprivate var type: UInt8 {
        switch self {
        case .ping: 1
        case .ack: 2
        case .nack: 3
        case .pingRequest: 4
        case .gossip: 5
        case .pull: 6
        case .page: 7
        }
    }
}

extension SwimUpdate {
    fileprivate func append(to bytes: inout [UInt8]) {
        switch claim {
        case .alive: bytes.append(1)
        case .suspect: bytes.append(2)
        case .dead: bytes.append(3)
        case .left: bytes.append(4)
        }
        bytes.appendBigEndian(id)
        bytes.appendBigEndian(incarnation)
        switch claim {
        case .alive(let address, let messagingPort):
            bytes.append(address.isIPv4 ? 4 : 6)
            bytes.append(contentsOf: address.ip)
            bytes.appendBigEndian(address.port)
            bytes.appendBigEndian(messagingPort)
        case .suspect(let accusers):
            bytes.append(UInt8(accusers.count))
            for index in 0..<accusers.count { bytes.appendBigEndian(accusers[index]) }
        case .dead, .left: break
        }
    }
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ number: some FixedWidthInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    fileprivate mutating func appendBigEndian(_ id: MemberID) {
        appendBigEndian(id.words.0)
        appendBigEndian(id.words.1)
        appendBigEndian(id.words.2)
        appendBigEndian(id.words.3)
    }
}
