internal import Cryptography

/// The size of datagrams: section 4, Path MTU, of `Docs/COURIER-PROTOCOL.md`.
extension Session where Content: ~Copyable {
    /// Writes a probe for the path's MTU, if one is due.
    mutating func sendSizeProbe(into buffer: inout MutableRawSpan, now: Instant) -> Int? {
        let size = frames.mtu.probe(now: now)
        guard size > 0, size <= buffer.byteCount, end == nil, closing == nil, !received.isDue(now: now),
            recovery.allowance(path: recoveryPath, now: now).bytes >= datagramSize
        else { return nil }
        var packet = buffer._mutatingExtracting(..<size)
        let number = recovery.nextNumber
        packet.store(bigEndian: number, at: PacketHeader.length)
        packet.store(bigEndian: UInt64(bitPattern: now.nanoseconds), at: PacketHeader.length + 8)
        packet.clear(from: PacketHeader.length + 16)
        _ = finish(
            .sizeProbe(frames.mtu.sendsProbe()),
            payload: 16,
            padding: size - PacketHeader.overhead - 16,
            flags: .acknowledgeNow,
            as: .sizeProbe,
            to: &packet,
            now: now
        )
        return seal(&buffer, size, segment: size, firstNumber: number, now: now) ? size : nil
    }

    /// This machine has refused to send a datagram because of its size.
    ///
    /// - Parameter bytes: its size.
    package mutating func wasTooLarge(_ bytes: Int) {
        frames.mtu.refused(bytes)
        updateDatagramSize()
    }

    /// After anything that says what the path takes.
    mutating func updateDatagramSize() {
        if recovery.paths[recoveryPath].blackHole.isFound {
            recovery.paths[recoveryPath].blackHole.wasTaken()
            frames.mtu.fellIntoBlackHole()
        }
        guard frames.mtu.size != datagramSize else { return }
        datagramSize = frames.mtu.size
        recovery.paths[recoveryPath].datagramSize = datagramSize
    }
}

extension MutableRawSpan {
    /// Writes zeros to the end.
    mutating func clear(from start: Int) {
        for offset in start..<byteCount { storeBytes(of: 0, toByteOffset: offset, as: UInt8.self) }
    }
}
