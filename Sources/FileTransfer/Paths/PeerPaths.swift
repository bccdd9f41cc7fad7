/// The addresses of the peer, by numbers from 0 to 3 that the caller maps to addresses: the session's, and those that
/// are being validated.
///
/// ```
/// unknown ─ authentic packet with the highest P → candidate ─ PATH_RESPONSE, and again the highest P → the session's
///                                                    │ 3 s, or newer candidates             │
///                                                    └──────────────→ forgotten ←───────────┘
/// ```
///
/// Who only copies packets to another address of his own makes candidates of it, one at a time, which get three times
/// the bytes that came from there and are forgotten.
struct PeerPaths: Sendable {
    static let most = 4
    /// Connection IDs of an epoch after which the next epoch is begun, before all 8 are used.
    static let freshIndices = 4
    static let lastIndex = 7

    /// The number of the session's address.
    private(set) var current = 0
    private var candidates = InlineArray<4, PathCandidate?>(repeating: nil)
    private(set) var count = 0
    /// The index of the connection ID of what is sent on the session's path.
    private(set) var connectionIndex = 0
    /// What the peer's challenge said that came on the session's path.
    var response: PathToken?

    /// Whether ``next(now:)`` or a timer may have something.
    var isQuiet: Bool { count == 0 && response == nil }
    /// The index for packets to other addresses, and for the next path. The last one is used again when the keys of the
    /// next epoch do not come in time: they may be lost on a path that is gone.
    var nextIndex: Int { min(connectionIndex + 1, Self.lastIndex) }
    var needsEpoch: Bool { connectionIndex >= Self.freshIndices }

    func holds(_ id: Int) -> Bool {
        id == current || (candidates.indices.contains(id) && candidates[id] != nil)
    }

    subscript(id: Int) -> PathCandidate? { candidates[id] }

    // MARK: Arrivals

    /// Authentic bytes came from an address. Returns its number; nil if it is not kept.
    ///
    /// - Parameters:
    ///   - id: the number under which it is kept, if it is.
    ///   - isNewest: whether one of the packets has the highest number.
    mutating func received(_ bytes: Int, from id: Int?, isSameHost: Bool, isNewest: Bool, now: Instant) -> Int? {
        if let id, candidates.indices.contains(id), candidates[id] != nil {
            candidates[id]?.received(bytes)
            return id
        }
        guard isNewest else { return nil }
        let place = vacantPlace
        if candidates[place] == nil { count += 1 }
        candidates[place] = PathCandidate(isSameHost: isSameHost, budget: 0, now: now)
        candidates[place]?.received(bytes)
        return place
    }

    /// A free number, or that of the oldest candidate.
    private var vacantPlace: Int {
        var oldest: Int?
        for id in candidates.indices where id != current {
            guard let candidate = candidates[id] else { return id }
            if let known = oldest, let other = candidates[known], other.expires <= candidate.expires { continue }
            oldest = id
        }
        // There are three others than the current one.
        return oldest ?? (current + 1) % Self.most
    }

    /// A PATH_CHALLENGE came from an address; nil: the session's.
    mutating func challenged(_ token: PathToken, on id: Int?) {
        if let id { candidates[id]?.response = token } else { response = token }
    }

    /// A PATH_RESPONSE came from an address. It counts only on the path of its challenge.
    mutating func answered(_ token: PathToken, on id: Int?) {
        if let id { candidates[id]?.answered(token) }
    }

    // MARK: Sending

    struct Packet {
        let type: PacketType
        let token: PathToken
        let size: Int
    }

    /// The next packet to an address that is not the session's.
    mutating func next(now: Instant) -> (id: Int, packet: Packet)? {
        guard count > 0 else { return nil }
        for id in candidates.indices {
            guard var candidate = candidates[id] else { continue }
            let size = min(candidate.budget, PathToken.packet)
            let packet: Packet
            if let token = candidate.response, size >= PathToken.leastPacket {
                candidate.response = nil
                packet = Packet(type: .pathResponse, token: token, size: size)
            } else if candidate.canChallenge, now >= candidate.nextChallenge {
                candidate.challenged(now: now)
                let token = PathToken(random: candidate.challenge, path: UInt8(truncatingIfNeeded: nextIndex))
                packet = Packet(type: .pathChallenge, token: token, size: size)
            } else {
                continue
            }
            candidate.sent(size)
            candidates[id] = candidate
            return (id, packet)
        }
        return nil
    }

    // MARK: Timers

    var nextDeadline: Instant? {
        var earliest: Instant?
        for id in candidates.indices {
            guard let candidate = candidates[id] else { continue }
            var time = candidate.expires
            if candidate.canChallenge { time = min(time, candidate.nextChallenge) }
            earliest = min(earliest ?? time, time)
        }
        return earliest
    }

    mutating func expire(now: Instant) {
        if count == 0 { return }
        for id in candidates.indices {
            guard let candidate = candidates[id], now >= candidate.expires else { continue }
            candidates[id] = nil
            count -= 1
        }
    }

    // MARK: Migration

    /// Goes to a path that was validated. The one before is challenged: if the packets of the new one were only copied,
    /// the peer still sends from there, and answers.
    mutating func migrate(to id: Int, isSameHost: Bool, now: Instant) {
        let old = current
        candidates[id] = nil
        if !isSameHost { for other in candidates.indices { candidates[other]?.isSameHost = false } }
        // It was validated already.
        candidates[old] = PathCandidate(isSameHost: isSameHost, budget: 4 * PathToken.packet, now: now)
        current = id
        response = nil
        connectionIndex = nextIndex
    }

    /// Another epoch began, with other connection IDs.
    mutating func beganEpoch() { connectionIndex = 0 }
}
