internal import Cryptography

/// Path validation and the peer's change of address: section 4, Path, of `Docs/COURIER-PROTOCOL.md`.
///
/// Recovery has three paths: two that the session uses in turn, so that what is outstanding on the one before does not
/// count against the new one, and one for packets to other addresses, which counts nothing.
extension Session where Content: ~Copyable {
    /// Recovery's index of what goes to other addresses.
    static var apartPath: Int { 2 }

    /// Packets that make a silence remarkable, and nanoseconds of it at least.
    static var steadyArrivals: Int { 16 }
    static var leastSilence: Int64 { 500_000_000 }

    /// The number of the peer's address; 0 at first.
    package var currentPath: Int { paths.current }

    /// Whether an address with this number is the session's or is being validated.
    package func holds(path id: Int) -> Bool { paths.holds(id) }

    /// Whether a datagram with this connection ID may be the session's.
    package func receives(_ id: ConnectionID) -> Bool { opener.holds(connectionID: id.value) }

    /// What this machine's route to the peer's present address takes.
    ///
    /// - Parameter bytes: those of a datagram.
    package mutating func routeTakes(_ bytes: Int) {
        frames.mtu = PathMTU(limit: datagramLimit, route: bytes, after: frames.mtu)
        updateDatagramSize()
    }

    // MARK: Arrivals

    /// Packets came from an address that is not the session's. Returns the number under which it is kept, if it is.
    mutating func note(_ arrival: PathArrival, bytes: Int, isNewest: Bool, now: Instant) -> Int? {
        guard bytes > 0, end == nil, closing == nil else { return nil }
        while recovery.paths.count <= Self.apartPath { recovery.openPath(datagramSize: PathMTU.base) }
        return paths.received(
            bytes,
            from: arrival.id,
            isSameHost: arrival.isSameHost,
            isNewest: isNewest,
            now: now
        )
    }

    mutating func receivePathToken(_ payload: RawSpan, isChallenge: Bool) {
        guard let token = PathToken(payload) else { return violate("a path token of \(payload.byteCount) bytes") }
        // From an address that is not kept it says nothing.
        if isElsewhere, arrivalPath == nil { return }
        if isChallenge { paths.challenged(token, on: arrivalPath) } else { paths.answered(token, on: arrivalPath) }
    }

    /// The newest packets came from a candidate: the peer is there, if it has proved it.
    mutating func follow(_ id: Int, now: Instant) {
        guard let candidate = paths[id], candidate.isValidated else { return }
        paths.migrate(to: id, isSameHost: candidate.isSameHost, now: now)
        // Before its connection IDs are used up.
        if paths.needsEpoch { frames.rekeying.beginEarly(nextNumber: recovery.nextNumber) }
        // The peer learns where its packets arrive.
        owesProbe = true
        if candidate.isSameHost { return }
        let next = 1 - recoveryPath
        recovery.restartPath(next, datagramSize: PathMTU.base, handler: &frames)
        leavesPathAt = now + recovery.paths[recoveryPath].time.probeTimeout
        recoveryPath = next
        routeTakes(datagramSize)
    }

    // MARK: Sending

    /// Writes a PATH_CHALLENGE or PATH_RESPONSE, if one is due.
    mutating func sendOnPaths(
        into buffer: inout MutableRawSpan,
        now: Instant
    ) -> (length: Int, segment: Int, path: Int)? {
        guard end == nil, closing == nil, recovery.hasNumbers, buffer.byteCount >= PathToken.packet else { return nil }
        if let token = paths.response {
            paths.response = nil
            let packet = PeerPaths.Packet(type: .pathResponse, token: token, size: PathToken.packet)
            return send(packet, to: paths.current, index: paths.connectionIndex, as: .full, into: &buffer, now: now)
        }
        guard let (id, packet) = paths.next(now: now) else { return nil }
        return send(packet, to: id, index: paths.nextIndex, as: .apart, into: &buffer, now: now)
    }

    private mutating func send(
        _ packet: PeerPaths.Packet,
        to id: Int,
        index: Int,
        as counting: SentCounting,
        into buffer: inout MutableRawSpan,
        now: Instant
    ) -> (length: Int, segment: Int, path: Int)? {
        var bytes = buffer._mutatingExtracting(..<packet.size)
        let number = recovery.nextNumber
        packet.token.write(to: &bytes, at: PacketHeader.length)
        _ = finish(
            SentFrame(packet.type),
            payload: PathToken.length,
            padding: packet.size - PathToken.leastPacket,
            as: counting,
            to: &bytes,
            now: now
        )
        let size = packet.size
        guard seal(&buffer, size, segment: size, firstNumber: number, index: index, now: now) else { return nil }
        return (size, size, id)
    }

    // MARK: Timers

    /// When this end asks a peer from which many packets came, and then none: its own address may have changed, and an
    /// end that only acknowledges would say nothing from the new one.
    var silenceDeadline: Instant? {
        guard recentArrivals >= Self.steadyArrivals, recovery.nextDeadline == nil else { return nil }
        let time = recovery.paths[recoveryPath].time.probeTimeout
        return lastReceived + max(Self.leastSilence, 3 * time)
    }

    var pathDeadline: Instant? {
        guard let time = leavesPathAt else { return paths.nextDeadline }
        return paths.nextDeadline.map { min($0, time) } ?? time
    }

    mutating func updatePaths(now: Instant) {
        paths.expire(now: now)
        guard let time = leavesPathAt, now >= time else { return }
        leavesPathAt = nil
        // Its packets went to an address that the peer has left.
        recovery.restartPath(1 - recoveryPath, datagramSize: PathMTU.base, handler: &frames)
    }
}
