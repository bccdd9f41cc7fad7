internal import Cryptography

extension Session where Content: ~Copyable {
    /// Opens and processes packets that lie one after the other.
    ///
    /// - Parameters:
    ///   - run: their bytes, which are changed.
    ///   - segment: bytes of each packet; the last one may be shorter.
    ///   - other: where they came from, if it is not the session's address.
    /// - Returns: the number under which the other address is kept now, if it is. It may have become ``currentPath``.
    @_specialize(where Content == FileSender)
    @_specialize(where Content == FileReceiver)
    @discardableResult
    package mutating func receive(
        _ run: inout MutableRawSpan,
        segment: Int,
        from other: PathArrival? = nil,
        now: Instant
    ) -> Int? {
        // The first CLOSE has a number that is kept for it.
        if other == nil, case .closed(let code, let reason) = end, closesLeft > 0, recovery.hasNumbers {
            // The CLOSE was lost, perhaps.
            closesLeft -= 1
            closing = (code, reason)
        }
        guard end == nil, segment > 0, run.byteCount <= Self.mostPackets * segment else { return nil }
        var outcomes = InlineArray<64, PacketOpener.Outcome>(repeating: .refused(.tooShort))
        var places = outcomes.mutableSpan
        let highest = opener.highestNumber
        let count = opener.open(&run, length: segment, outcomes: &places)
        let bytes = run.bytes
        isElsewhere = other != nil
        if let other {
            var authentic = 0
            for index in 0..<count {
                guard case .opened = outcomes[index] else { continue }
                authentic += min(segment, bytes.byteCount - index * segment)
            }
            let isNewest = opener.highestNumber != highest
            arrivalPath = note(other, bytes: authentic, isNewest: isNewest, now: now)
        }
        recentArrivals &+= count
        for index in 0..<count where end == nil {
            guard case .opened(let packet) = outcomes[index] else { continue }
            let start = index * segment
            let packetEnd = min(start + segment, bytes.byteCount) - PacketHeader.tagLength
            receive(bytes.extracting(start..<packetEnd), number: packet.number, now: now)
        }
        updateKeys(now: now)
        finishReceiving()
        guard other != nil else { return nil }
        let kept = arrivalPath
        if let kept, opener.highestNumber != highest { follow(kept, now: now) }
        arrivalPath = nil
        return kept
    }

    private mutating func receive(_ packet: RawSpan, number: UInt64, now: Instant) {
        lastReceived = now
        hasReceived = true
        guard let header = PacketHeader(packet) else { return violate("a payload that ends outside of its packet") }
        guard header.sequence == UInt32(truncatingIfNeeded: number) else { return violate("a wrong sequence") }
        guard !header.flags.contains(.compressed) else { return violate("a compressed frame") }
        let payload = packet.extracting(PacketHeader.length..<PacketHeader.length + header.payloadLength)
        var elicits = true
        if let type = PacketType(rawValue: header.type) {
            guard process(type, header, payload, number: number, now: now) else { return }
            elicits = type.elicitsAcknowledgment
        } else {
            guard PacketType.extensions.contains(header.type) else { return violate("type \(header.type)") }
            guard !header.flags.contains(.critical) else { return violate("type \(header.type), which is critical") }
        }
        let isUrgent = header.flags.contains(.acknowledgeNow) || (header.flags.contains(.fin) && header.type == 1)
        _ = received.record(number, elicits: elicits, isUrgent: isUrgent, now: now)
    }

    /// False: the packet cannot be taken now, and must not be acknowledged.
    private mutating func process(
        _ type: PacketType,
        _ header: PacketHeader,
        _ payload: RawSpan,
        number: UInt64,
        now: Instant
    ) -> Bool {
        switch type {
        case .data: return receiveData(header, payload)
        case .ack: receiveAcknowledgment(payload, hasCounts: header.flags.contains(.ecn), now: now)
        case .control: return receiveControl(payload, at: header.offset)
        case .ping:
            guard payload.byteCount == 16 else {
                violate("a PING of \(payload.byteCount) bytes")
                break
            }
            pong = InlineArray { payload.bigEndian(at: $0, as: UInt8.self) }
        case .close: receiveClose(payload)
        case .streamOpen: receiveOpening(header, payload)
        case .windowUpdate:
            guard payload.byteCount == 16 else {
                violate("a WINDOW_UPDATE of \(payload.byteCount) bytes")
                break
            }
            frames.credit = max(frames.credit, payload.bigEndian(at: 0, as: UInt64.self))
            frames.control.raiseCredit(to: payload.bigEndian(at: 8, as: UInt64.self))
        case .pong:
            if let sent = pingSent, payload.byteCount == 16,
                payload.bigEndian(at: 8, as: UInt64.self) == UInt64(bitPattern: sent.nanoseconds)
            {
                pingTimes.append(now - sent)
                pingSent = nil
            }
        case .pad, .goAway: break
        case .rekey: receiveRekey(payload, now: now)
        case .pathChallenge: receivePathToken(payload, isChallenge: true)
        case .pathResponse: receivePathToken(payload, isChallenge: false)
        case .streamClose, .streamReset: break
        }
        return true
    }

    private mutating func receiveData(_ header: PacketHeader, _ payload: RawSpan) -> Bool {
        switch incoming.check(header.stream, use: header.use) {
        case .unknown: return false
        case .old: return true
        case .known: break
        }
        guard let new = frames.content.receive(payload, on: header.stream, at: header.offset) else { return false }
        receivedBytes += UInt64(new)
        if receivedBytes > grantedBytes { violate("more data than it was admitted") }
        return true
    }

    private mutating func receiveAcknowledgment(_ payload: RawSpan, hasCounts: Bool, now: Instant) {
        do throws(AcknowledgmentFailure) {
            try recovery.acknowledge(payload, hasCounts: hasCounts, now: now, handler: &frames)
        } catch { return violate("an acknowledgment that cannot be: \(error)") }
        if let known = frames.knownThrough { received.forget(through: known) }
        updateDatagramSize()
    }

    private mutating func receiveControl(_ payload: RawSpan, at offset: UInt64) -> Bool {
        switch controlIn.receive(payload, at: offset) {
        case .taken: break
        case .refused: return false
        case .overCredit: violate("more of the control stream than it was admitted")
        }
        do throws(ControlMessage.Malformed) {
            while let (type, body) = try controlIn.next() {
                frames.content.receive(try ControlMessage(type: type, body: body))
            }
        } catch { violate("a control message that cannot be: \(error)") }
        return true
    }

    private mutating func receiveOpening(_ header: PacketHeader, _ payload: RawSpan) {
        guard payload.byteCount == 5, let kind = StreamKind(rawValue: payload.bigEndian(at: 0, as: UInt8.self)),
            IncomingStreams.isAllowed(header.stream, of: role.peer)
        else { return violate("a wrong STREAM_OPEN") }
        guard incoming.open(header.stream, use: header.use) else { return }
        let entry = payload.bigEndian(at: 1, as: UInt32.self)
        if !frames.content.open(header.stream, kind, for: entry) { violate("a stream for what was not asked for") }
    }

    private mutating func receiveClose(_ payload: RawSpan) {
        guard payload.byteCount >= 4 else { return violate("a CLOSE of \(payload.byteCount) bytes") }
        let code = CloseCode(rawValue: payload.bigEndian(at: 0, as: UInt32.self))
        let reason = payload.extracting(4..<min(payload.byteCount, 4 + ControlMessage.longestText))
        end = .closedByPeer(code, String(decoding: [UInt8](reason), as: UTF8.self))
    }

    private mutating func finishReceiving() {
        if let reason = frames.content.violation { violate(reason) }
        admitMore()
        if controlIn.creditToAnnounce() != nil { frames.owesWindowUpdate = true }
    }

    /// A sender must not wait for credit while there is room here.
    mutating func admitMore() {
        guard !isPaused, frames.content.takesMore,
            grantedBytes - min(grantedBytes, receivedBytes) <= SessionParameters.creditWindow / 2
        else { return }
        grantedBytes = receivedBytes + SessionParameters.creditWindow
        frames.owesWindowUpdate = true
    }
}
