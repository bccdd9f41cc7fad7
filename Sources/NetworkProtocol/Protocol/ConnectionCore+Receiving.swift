internal import Cryptography

extension ConnectionCore {
    /// Takes the next packet out of `input`, starting at `position`, which moves behind it; nil if there is no complete
    /// packet.
    ///
    /// Must not be called while ``isPaused``. A thrown error ends the connection.
    mutating func next(
        _ input: Span<UInt8>,
        at position: inout Int,
        now: Instant
    ) throws(ConnectionError) -> Step? {
        let frame: PacketDecoder.Frame?
        do throws(PacketError) {
            frame =
                try opener == nil
                ? decoder.frame(input, at: &position)
                : opener?.frame(of: &decoder, input, at: &position)
        } catch {
            throw .malformedPacket(error)
        }
        // Consumed: with a second reference to the payload, opening it in place would copy it.
        switch consume frame {
        case .whole(let header, let range):
            heartbeat.completedPacket()
            let payload = input.extracting(range)
            if opener == nil, header.flags.isEmpty, payload.count > 0, !isText(payload) {
                let (message, format) = try read(payload)
                return try take(message, format, bytes: payload.count, now)
            }
            return try receive(header, SplitPayload(copying: payload), now)
        case .joined(let header, let payload):
            heartbeat.completedPacket()
            return try receive(header, payload, now)
        case nil: return nil
        }
    }

    private func read(_ payload: Span<UInt8>) throws(ConnectionError) -> (message: Message, format: MessageFormat) {
        do throws(MessageError) {
            return try Message.read(payload)
        } catch {
            throw .malformedMessage(error)
        }
    }

    /// Whether its format takes long to read.
    private func isText(_ payload: Span<UInt8>) -> Bool {
        switch MessageFormat(markOf: payload, first: payload[0]) {
        case .json, .messagePack: true
        case .bincode, nil: false
        }
    }

    /// Bytes arrived and were processed as far as possible.
    mutating func received(now: Instant) {
        heartbeat.received(now: now, isInsidePacket: decoder.isInsidePacket, missing: decoder.missing)
    }

    /// This side does not read, so silence is not the peer's fault.
    mutating func paused(now: Instant) { heartbeat.paused(now: now) }

    /// Opens, decompresses and reads a packet.
    private mutating func receive(
        _ header: PacketHeader,
        _ payload: consuming SplitPayload,
        _ now: Instant
    ) throws(ConnectionError) -> Step {
        var flags = header.flags
        if opener != nil {
            if mustWait(header, now) {
                pause = .keyChange
                return .changeKey(Packet(header: header, payload: payload.joined()))
            }
            guard let opened = try open(header, payload, now) else { return .none }
            payload = opened
            flags.remove(.encrypted)
        } else {
            guard !flags.contains(.encrypted) else { throw .protocolViolation("a sealed packet before any handshake") }
        }
        let inbound = InboundPayload(payload, flags: flags, limit: maximumPayloadLength)
        guard case .open = phase else {
            if !flags.isEmpty { throw .protocolViolation("a compressed packet inside the handshake") }
            return try take(inbound.read(), now)
        }
        let work = try inbound.work()
        workSinceYield += work
        if work > 0, workSinceYield >= ConnectionCore.workPerYield {
            pause = .reading
            return .read(inbound, work: work)
        }
        return try take(inbound.read(), now)
    }

    /// A payload was read on another thread.
    mutating func resume(
        with content: Result<InboundPayload.Content, ConnectionError>,
        now: Instant
    ) throws(ConnectionError) -> Step {
        pause = nil
        workSinceYield = 0
        guard case .open = phase else { return .none }
        return try take(try content.get(), now)
    }

    /// It is the turn of a change of the peer's key.
    mutating func changeKey(_ packet: Packet, now: Instant) throws(ConnectionError) {
        pause = nil
        guard case .open = phase else { return }
        // Its length shows that it is empty.
        _ = try open(packet.header, SplitPayload(packet.payload), now)
    }

    /// The record's payload; nil for a key change, which has been made.
    private mutating func open(
        _ header: PacketHeader,
        _ payload: consuming SplitPayload,
        _ now: Instant
    ) throws(ConnectionError) -> SplitPayload? {
        // Sealed connections accept only sealed packets, from the first record on: there is no way back into the clear.
        guard let opened = opener?.open(payload, of: header) else { throw .notAuthentic }
        guard opened.isEmpty else { return opened }
        guard keyChanges.admit(now: now) else {
            throw .protocolViolation(
                "it changed its key more than \(KeyChanges.most) times, and more than once in \(KeyChanges.interval)"
            )
        }
        return nil
    }

    /// Whether an empty record must wait for its turn, because the same connection sent one a short time ago. No other
    /// record waits, and none within a handshake, where everything is processed at once.
    private mutating func mustWait(_ header: PacketHeader, _ now: Instant) -> Bool {
        guard header.payloadLength == RecordCipher.tagLength, case .open = phase else { return false }
        return keyChanges.isFurther(now: now)
    }

    private mutating func take(_ content: InboundPayload.Content, _ now: Instant) throws(ConnectionError) -> Step {
        try take(content.message, content.format, bytes: content.bytes, now)
    }

    private mutating func take(
        _ message: Message,
        _ format: MessageFormat,
        bytes: Int,
        _ now: Instant
    ) throws(ConnectionError) -> Step {
        switch phase {
        case .open:
            self.format = format
            return try takeOpen(message, bytes: bytes)
        case .finishing, .lingering, .closed: return .none
        case .connecting, .awaitingResponse, .awaitingAcceptance, .awaitingInit, .awaitingConfirm:
            guard format == .bincode else { throw .protocolViolation("a handshake that is not in bincode") }
            return try takeOpening(message, now)
        }
    }

    private func takeOpen(_ message: Message, bytes: Int) throws(ConnectionError) -> Step {
        switch message {
        case .ping: return .ping
        case .pong: return .pong
        case .disconnect: return .disconnected
        case .failure(0, let code, let reason): throw .refused(code: code, reason: ConnectionCore.sanitized(reason))
        case .handshakeInit, .handshakeResponse, .handshakeConfirm:
            throw .protocolViolation("\(message.name) on a connection that is open")
        case .echo, .custom, .data, .unknown, .request, .response, .failure: return .message(message, bytes: bytes)
        }
    }

    /// A reason in a form that may be shown and logged: the peer chose it.
    static func sanitized(_ reason: String) -> String { UntrustedText.sanitized(reason, limit: 400) }
}
