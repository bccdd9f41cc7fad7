internal import Cryptography
internal import NetworkProtocol

/// Sealed records of open sessions, and what follows for which may be opened where.
struct RecordNetwork {
    /// Records under one key: few, so that changes of keys come.
    private static let recordsOfKey: UInt64 = 3
    private static let mostRecords = 48

    private final class End {
        let session: Int
        let isInitiator: Bool
        var sealer: RecordSealer
        var opener: RecordOpener
        var sent = 0
        var received = 0
        /// A record did not open: the connection is closed.
        var isClosed = false

        init(_ result: HandshakeResult, session: Int, isInitiator: Bool, now: ContinuousClock.Instant) {
            self.session = session
            self.isInitiator = isInitiator
            let contexts = CipherContexts(capacity: 2)
            sealer = RecordSealer(secret: result.sending, contexts: contexts, now: now, records: recordsOfKey)
            opener = RecordOpener(secret: result.receiving, contexts: contexts)
        }
    }

    private struct Record {
        let session: Int
        let isFromInitiator: Bool
        /// Its number in its direction.
        let number: Int
        let plain: [UInt8]
        let packet: [UInt8]
    }

    private var ends: [End] = []
    private var records: [Record] = []
    private let now = ContinuousClock.now

    mutating func open(_ result: HandshakeResult, session: Int, isInitiator: Bool) {
        ends.append(End(result, session: session, isInitiator: isInitiator, now: now))
    }

    mutating func send(from target: Int, _ script: inout AttackScript) throws(PropertyBroken) {
        let length = 1 + script.index(below: 64)
        guard !ends.isEmpty, records.count < Self.mostRecords else { return }
        let end = ends[target % ends.count]
        if end.sealer.mustRekey(now: now) {
            try seal([], end)
            end.sealer.rekey(now: now)
        }
        try seal([UInt8](repeating: UInt8(truncatingIfNeeded: end.sent), count: length), end)
    }

    private mutating func seal(_ plain: [UInt8], _ end: End) throws(PropertyBroken) {
        let tag = 16
        guard let header = try? PacketHeader(flags: .encrypted, payloadLength: plain.count + tag) else {
            throw PropertyBroken("a small packet has no header")
        }
        let headerBytes = header.bytes
        var payload = plain + [UInt8](repeating: 0, count: tag)
        var span = payload.mutableSpan
        // Any bytes are good values, here and in the header.
        var raw = unsafe span.mutableBytes
        end.sealer.seal(&raw, header: unsafe headerBytes.span.bytes)
        records.append(
            Record(
                session: end.session,
                isFromInitiator: end.isInitiator,
                number: end.sent,
                plain: plain,
                packet: headerBytes + payload
            )
        )
        end.sent += 1
    }

    mutating func deliver(to target: Int, _ script: inout AttackScript) throws(PropertyBroken) {
        guard !ends.isEmpty, !records.isEmpty else { return }
        let end = ends[target % ends.count]
        let record = records[script.index(below: records.count)]
        let bytes = script.tampered(record.packet, others: records.map(\.packet))
        guard !end.isClosed else { return }
        var decoder = PacketDecoder()
        var rest = bytes[...]
        // Half a packet waits for its other half, and nothing happens.
        guard let packet = try? decoder.next(&rest) else { return }
        // The attacker may also have put another whole record there: what arrives is what counts.
        let arrived = bytes.dropLast(rest.count)
        let next = records.first {
            $0.session == end.session && $0.isFromInitiator != end.isInitiator && $0.number == end.received
        }
        let opened = end.opener.open(packet)
        guard let next, arrived.elementsEqual(next.packet) else {
            end.isClosed = true
            return try require(opened == nil, "a record opened that is not the next one, or was changed")
        }
        try require(opened == next.plain, "the next record did not open as it was sealed")
        end.received += 1
    }
}
