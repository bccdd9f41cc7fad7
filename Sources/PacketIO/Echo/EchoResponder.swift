/// Decides what becomes of each echo datagram. No clock, socket or thread inside; the same core serves UDP and
/// datagrams inside a TLS stream.
///
/// A datagram passes these gates in order, and the first that it fails counts it:
/// well formed → live token → before the deadline → from the permit's peer → (counted as arrived) → budget → rate → reply.
package struct EchoResponder: Sendable {
    /// Every datagram's token is compared with every permit, so that time tells nothing; this bounds the work.
    package static let maximumPermits = 64

    /// A place that a reply is counted for.
    package struct Slot: Equatable, Sendable {
        let index: Int
        let generation: UInt32
    }

    package enum Verdict: Equatable, Sendable {
        /// Send the same bytes back; the server's receive time is in, its send time is the sender's to fill.
        case reply(Slot)
        case drop(EchoDropReason)
        /// Dropped, and the permit's budget is spent with it. Said once a permit.
        case spent(AccessToken)
    }

    package enum AdmitError: Error, Equatable, Sendable {
        case tooManyPermits
        case tokenInUse
    }

    fileprivate struct Entry: Sendable {
        let permit: EchoPermit
        let generation: UInt32
        var counters = EchoCounters()
        var window = SequenceWindow()
        var rate: PacketRate
        var pinnedPort: UInt16?
        var charged: UInt64 = 0
        var isSpent = false
    }

    private var entries: [Entry] = []
    private var generation: UInt32 = 0
    package private(set) var strangers = EchoStrangers()

    package init() {
        self.entries.reserveCapacity(Self.maximumPermits)
    }

    package mutating func admit(_ permit: EchoPermit) throws(AdmitError) {
        guard self.entries.count < Self.maximumPermits else { throw .tooManyPermits }
        guard self.find(permit.token) < 0 else { throw .tokenInUse }
        self.generation &+= 1
        let rate = PacketRate(packetsPerSecond: permit.maximumPacketsPerSecond)
        self.entries.append(Entry(permit: permit, generation: self.generation, rate: rate))
    }

    /// Ends a permit; its last counters, or nil when there is none.
    package mutating func revoke(_ token: AccessToken) -> EchoCounters? {
        let index = self.find(token)
        guard index >= 0 else { return nil }
        self.entries.swapAt(index, self.entries.count - 1)
        return self.entries.removeLast().counters
    }

    package func counters(_ token: AccessToken) -> EchoCounters? {
        let index = self.find(token)
        return index >= 0 ? self.entries[index].counters : nil
    }

    /// - Parameters:
    ///   - bytes: one datagram, whole; a reply is made in place.
    ///   - receivedAt: CLOCK_REALTIME in nanoseconds, goes into the reply.
    ///   - now: CLOCK_MONOTONIC in nanoseconds, for rate and deadline.
    @inline(__always)
    package mutating func respond(
        to bytes: inout MutableRawSpan,
        from source: EchoSource,
        receivedAt: Int64,
        now: Int64
    ) -> Verdict {
        guard let datagram = EchoDatagram(bytes.bytes) else {
            self.strangers.malformed &+= 1
            return .drop(.malformed)
        }
        let index = self.find(datagram.token)
        guard index >= 0 else {
            self.strangers.unknownToken &+= 1
            return .drop(.unknownToken)
        }
        let verdict = self.entries[index].judge(datagram, length: UInt64(bytes.byteCount), from: source, now: now)
        if let verdict { return verdict }
        EchoDatagram.setServerReceive(receivedAt, in: &bytes)
        return .reply(Slot(index: index, generation: self.entries[index].generation))
    }

    /// A reply that was decided and then not sent, of `length` bytes.
    package mutating func unsent(_ slot: Slot, length: Int) {
        guard slot.index < self.entries.count, self.entries[slot.index].generation == slot.generation else { return }
        self.entries[slot.index].counters.repliesSent &-= 1
        self.entries[slot.index].counters.bytesOut &-= UInt64(length)
        self.entries[slot.index].counters.unsent &+= 1
    }

    /// Looks at every permit, whether or not an earlier one matched.
    @inline(__always)
    private func find(_ token: AccessToken) -> Int {
        var found = -1
        for index in self.entries.indices {
            let difference = self.entries[index].permit.token.difference(token)
            // All ones when equal: (d | -d) has its top bit set for every d but 0.
            let equal = Int(truncatingIfNeeded: (difference | (0 &- difference)) >> 63) &- 1
            found = (found & ~equal) | (index & equal)
        }
        return found
    }
}

extension EchoResponder.Entry {
    /// Nil: reply.
    fileprivate mutating func judge(
        _ datagram: EchoDatagram,
        length: UInt64,
        from source: EchoSource,
        now: Int64
    ) -> EchoResponder.Verdict? {
        if let deadline = self.permit.deadline, now >= deadline {
            self.counters.expired &+= 1
            return .drop(.expired)
        }
        guard self.accepts(source) else {
            self.counters.wrongSource &+= 1
            return .drop(.wrongSource)
        }
        self.arrived(datagram.sequence, length: length)
        guard !self.isSpent, self.permit.byteBudget - self.charged >= 2 * length else {
            self.counters.overBudget &+= 1
            defer { self.isSpent = true }
            return self.isSpent ? .drop(.budget) : .spent(self.permit.token)
        }
        self.charged += length
        guard self.rate.admit(at: now) else {
            self.counters.overRate &+= 1
            return .drop(.rate)
        }
        self.charged += length
        self.counters.repliesSent &+= 1
        self.counters.bytesOut &+= length
        return nil
    }

    private mutating func accepts(_ source: EchoSource) -> Bool {
        switch (self.permit.peer, source) {
        case (.host(let host), .datagram(let address)):
            guard host == address.host else { return false }
            if let pinned = self.pinnedPort { return pinned == address.port }
            self.pinnedPort = address.port
            return true
        case (.tunnel(let expected), .tunnel(let actual)):
            return expected == actual
        case (.host, .tunnel), (.tunnel, .datagram):
            return false
        }
    }

    private mutating func arrived(_ sequence: UInt64, length: UInt64) {
        self.counters.packetsReceived &+= 1
        self.counters.bytesIn &+= length
        switch self.window.record(sequence) {
        case .new:
            self.counters.distinctSequences &+= 1
        case .reordered:
            self.counters.distinctSequences &+= 1
            self.counters.reordered &+= 1
        case .duplicate:
            self.counters.duplicates &+= 1
        case .tooOld:
            self.counters.tooOld &+= 1
        }
        self.counters.highestSequence = self.window.highest
    }
}
