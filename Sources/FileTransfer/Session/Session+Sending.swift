internal import Cryptography

extension Session where Content: ~Copyable {
    /// Writes the next packets into `buffer`, one after the other: nothing if there is nothing to send now.
    ///
    /// - Returns: the bytes of all of them, and of each; the last one may be shorter. And the number of the address to
    ///   which they go, see ``currentPath``.
    @_specialize(where Content == FileSender)
    @_specialize(where Content == FileReceiver)
    package mutating func send(into buffer: inout MutableRawSpan, now: Instant) -> (
        length: Int, segment: Int, path: Int
    )? {
        guard end == nil || closing != nil else { return nil }
        frames.collectMessages()
        frames.rekeying.beginIfDue(sealed: sealer.sealedInEpoch, nextNumber: recovery.nextNumber, now: now)
        isPacerLimited = false
        limits.advance(to: now)
        if !paths.isQuiet, let run = sendOnPaths(into: &buffer, now: now) { return run }
        if let size = sendSizeProbe(into: &buffer, now: now) { return (size, size, paths.current) }
        let first = recovery.nextNumber
        var length = 0
        var segment = 0
        var count = 0
        while count < Self.mostPackets, length + datagramSize <= buffer.byteCount {
            guard let size = write(to: &buffer, at: length, isFirst: count == 0, now: now) else { break }
            length += size
            count += 1
            if segment == 0 { segment = size }
            // A shorter packet ends a run, and a run of short packets is not worth the trouble.
            if size < datagramSize { break }
        }
        guard count > 0, seal(&buffer, length, segment: segment, firstNumber: first, now: now) else { return nil }
        return (length, segment, paths.current)
    }

    /// False: the session ends, because its keys are used up.
    mutating func seal(
        _ buffer: inout MutableRawSpan,
        _ length: Int,
        segment: Int,
        firstNumber: UInt64,
        index: Int? = nil,
        now: Instant
    ) -> Bool {
        lastSent = now
        var packets = buffer._mutatingExtracting(..<length)
        do throws(PacketSealer.Failure) {
            try sealer.seal(
                &packets,
                length: segment,
                firstNumber: firstNumber,
                path: index ?? paths.connectionIndex
            )
        } catch {
            end = .closed(.keysUsedUp, "\(error)")
            return false
        }
        return true
    }

    /// Writes one packet that is not sealed yet, and records it as sent. Returns its bytes.
    private mutating func write(to buffer: inout MutableRawSpan, at start: Int, isFirst: Bool, now: Instant) -> Int? {
        var packet = buffer._mutatingExtracting(start..<start + datagramSize)
        if let closing { return isFirst ? writeClose(closing.code, closing.reason, to: &packet, now: now) : nil }
        // A short packet cannot stand in front of others in one run.
        if isFirst {
            if let size = writeShort(to: &packet, now: now) { return size }
            // After a second timeout the path is asked whether it takes small packets.
            if owesProbe, recovery.paths[recoveryPath].probes > 1, recovery.hasNumbers {
                owesProbe = false
                return writePing(to: &packet, now: now)
            }
        }
        let allowance = recovery.allowance(path: recoveryPath, now: now)
        guard allowance.bytes >= datagramSize else {
            isPacerLimited = allowance.limit == .pacer
            if isFirst { limits.note(allowance.limit == .receiveBuffer ? .receiver : .path) }
            guard isFirst, owesProbe, recovery.hasNumbers else { return nil }
            owesProbe = false
            return writePing(to: &packet, now: now)
        }
        if let size = writeFrames(to: &packet, isFirst: isFirst, now: now) {
            owesProbe = false
            return size
        }
        if isFirst, owesProbe || recovery.isPingDue {
            owesProbe = false
            return writePing(to: &packet, now: now)
        }
        recovery.applicationLimited(path: recoveryPath)
        if isFirst { limits.note(frames.creditLeft == 0 ? .receiver : .source) }
        return nil
    }

    /// ACK and PONG, which go whatever the congestion window says.
    private mutating func writeShort(to packet: inout MutableRawSpan, now: Instant) -> Int? {
        guard recovery.hasNumbers else { return nil }
        if received.isDue(now: now) {
            var payload = packet._mutatingExtracting(PacketHeader.length..<packet.byteCount - PacketHeader.tagLength)
            if let (length, largest) = received.write(to: &payload, now: now) {
                return finish(SentFrame(.ack, offset: largest), payload: length, to: &packet, now: now)
            }
        }
        if let bytes = pong {
            pong = nil
            for index in bytes.indices { packet.store(bigEndian: bytes[index], at: PacketHeader.length + index) }
            return finish(SentFrame(.pong), payload: bytes.count, to: &packet, now: now)
        }
        return nil
    }

    private mutating func writeFrames(to packet: inout MutableRawSpan, isFirst: Bool, now: Instant) -> Int? {
        if isFirst {
            if frames.owesWindowUpdate {
                frames.owesWindowUpdate = false
                packet.store(bigEndian: grantedBytes, at: PacketHeader.length)
                packet.store(bigEndian: controlIn.credit, at: PacketHeader.length + 8)
                return finish(SentFrame(.windowUpdate), payload: 16, to: &packet, now: now)
            }
            if frames.rekeying.owesFrame {
                let epoch = frames.rekeying.write(to: &packet, at: PacketHeader.length)
                let frame = SentFrame(.rekey, offset: UInt64(epoch))
                return finish(frame, payload: Rekeying.payloadLength, to: &packet, now: now)
            }
            if let opening = frames.openings.popLast() { return write(opening, to: &packet, now: now) }
        } else if frames.owesWindowUpdate || frames.rekeying.owesFrame || !frames.openings.isEmpty {
            return nil
        }
        let room = packet.byteCount - PacketHeader.overhead
        if let run = frames.control.take(atMost: room) {
            frames.control.copy(run, to: &packet, at: PacketHeader.length)
            let frame = SentFrame(.control, offset: run.lowerBound, length: UInt32(run.count))
            return finish(frame, offset: run.lowerBound, payload: run.count, to: &packet, now: now)
        }
        if isPaused { return nil }
        switch frames.content.next(atMost: room, credit: frames.creditLeft) {
        case .open(let stream, let kind, let entry):
            let opening = SessionFrames<Content>.Opening(stream: stream, kind: kind, entry: entry)
            if isFirst { return write(opening, to: &packet, now: now) }
            frames.openings.append(opening)
            return nil
        case .data(let data):
            // A file that can no longer be read ends here; its packet says nothing.
            guard frames.content.copy(data, to: &packet, at: PacketHeader.length) else {
                return finish(SentFrame(.ping), payload: 16, to: &packet, now: now)
            }
            let frame = SentFrame(
                .data,
                stream: data.stream,
                offset: data.offset,
                length: UInt32(data.length),
                isFinal: data.isFinal
            )
            let flags: PacketFlags = data.asksAcknowledgment ? .acknowledgeNow : []
            return finish(frame, offset: data.offset, payload: data.length, flags: flags, to: &packet, now: now)
        case nil: return nil
        }
    }

    private mutating func write(
        _ opening: SessionFrames<Content>.Opening,
        to packet: inout MutableRawSpan,
        now: Instant
    ) -> Int {
        frames.sent(opening)
        packet.store(bigEndian: opening.kind.rawValue, at: PacketHeader.length)
        packet.store(bigEndian: opening.entry, at: PacketHeader.length + 1)
        return finish(
            SentFrame(.streamOpen, stream: opening.stream),
            payload: 5,
            to: &packet,
            now: now
        )
    }

    mutating func writePing(to packet: inout MutableRawSpan, now: Instant) -> Int {
        if isPinging {
            isPinging = false
            pingSent = now
        }
        packet.store(bigEndian: recovery.nextNumber, at: PacketHeader.length)
        packet.store(bigEndian: UInt64(bitPattern: now.nanoseconds), at: PacketHeader.length + 8)
        return finish(SentFrame(.ping), payload: 16, to: &packet, now: now)
    }

    private mutating func writeClose(
        _ code: CloseCode,
        _ reason: String,
        to packet: inout MutableRawSpan,
        now: Instant
    ) -> Int {
        let text = ControlMessage.text(reason)
        packet.store(bigEndian: code.rawValue, at: PacketHeader.length)
        copyBytes(text.rawBytes, to: &packet, at: PacketHeader.length + 4)
        closing = nil
        end = .closed(code, reason)
        return finish(SentFrame(.close), payload: 4 + text.count, to: &packet, now: now)
    }

    /// Writes the header and records the packet.
    ///
    /// - Parameter padding: bytes behind the payload, which the caller has written.
    mutating func finish(
        _ frame: SentFrame,
        offset: UInt64 = 0,
        payload: Int,
        padding: Int = 0,
        flags extra: PacketFlags = [],
        as counting: SentCounting = .full,
        to packet: inout MutableRawSpan,
        now: Instant
    ) -> Int {
        var flags = extra
        if frame.isFinal { flags.insert(.fin) }
        if frame.type == .streamOpen { flags.insert(.syn) }
        let header = PacketHeader(
            frame.type,
            flags: flags,
            stream: frame.stream,
            number: recovery.nextNumber,
            offset: offset,
            payloadLength: payload,
            use: frame.stream == 0 ? 0 : frames.content.use(of: frame.stream)
        )
        header.write(to: &packet)
        let size = PacketHeader.overhead + payload + padding
        let path = counting == .apart ? Self.apartPath : recoveryPath
        recovery.sent(frame, size: size, path: path, as: counting, now: now)
        return size
    }
}
