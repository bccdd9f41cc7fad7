package import LinkMeasurement
internal import PacketIO

/// Decides what happens to each echo datagram. No clock, socket or thread inside; the same core serves UDP and
/// datagrams inside a TLS stream.
///
/// A datagram passes these checks in order, and counts for the first one that it fails: well formed → live token → from
/// the permit's peer → budget → rate → reply. From the budget on it also counts as arrived.
package struct EchoResponder: Sendable {
    /// Every datagram's token is compared with every permit, so that timing reveals nothing; this bounds the work.
    package static let maximumPermits = 64
    /// Bytes to request from an account at once: enough for some hundred typical datagrams.
    static let grant = 64 << 10

    package enum Verdict: Equatable, Sendable {
        /// Send the same bytes back. The server's receive time is filled in; the sender fills in the send time.
        case reply
        case drop(EchoDropReason)
    }

    package enum AdmitError: Error, Equatable, Sendable {
        case tooManyPermits
        case tokenInUse
    }

    /// A permit and its state. The fields for deciding come first: for a single datagram, they are cold.
    fileprivate struct Entry: Sendable {
        let permit: EchoPermit
        var rate: PacketRate
        /// Bytes that may still move; never decreases without an account.
        var granted: UInt64
        var pinnedPort: UInt16?
        /// Bytes that were refused while the account granted nothing; `granted` is 0 while there are any.
        var owed: UInt64 = 0
        var counters = EchoCounters()
        var window = SequenceWindow()
    }

    /// A verdict and the permit that it counts for, valid until a permit is added or removed.
    struct Judgment {
        let verdict: Verdict
        /// -1: no permit's.
        let index: Int

        /// Of a place that holds no datagram.
        static let none = Judgment(verdict: .drop(.malformed), index: -1)
    }

    private var entries: [Entry] = []
    package private(set) var strangers = EchoStrangers()

    package init() {
        entries.reserveCapacity(Self.maximumPermits)
    }

    package mutating func admit(_ permit: EchoPermit) throws(AdmitError) {
        guard entries.count < Self.maximumPermits else { throw .tooManyPermits }
        guard find(permit.token) < 0 else { throw .tokenInUse }
        let rate = PacketRate(packetsPerSecond: permit.maximumPacketsPerSecond)
        entries.append(Entry(permit: permit, rate: rate, granted: permit.account == nil ? .max : 0))
    }

    /// Ends a permit; returns its last counters, or nil if there is none.
    package mutating func revoke(_ token: AccessToken) -> EchoCounters? {
        let index = find(token)
        guard index >= 0 else { return nil }
        entries.swapAt(index, entries.count - 1)
        return entries.removeLast().counters
    }

    package func counters(_ token: AccessToken) -> EchoCounters? {
        let index = find(token)
        return index >= 0 ? entries[index].counters : nil
    }

    /// Decides and counts; a reply counts as sent.
    /// - Parameters:
    ///   - bytes: one whole datagram; a reply is made in place.
    ///   - receivedAt: CLOCK_REALTIME in nanoseconds, goes into the reply.
    ///   - now: CLOCK_MONOTONIC in nanoseconds, for the rate.
    ///   - isWithinRate: a rate that this permit shares with those of other responders; called for each datagram that
    ///     would be answered.
    package mutating func respond(
        to bytes: inout MutableRawSpan,
        from source: EchoSource,
        receivedAt: Int64,
        now: Int64,
        isWithinRate: () -> Bool
    ) -> Verdict {
        var judgment = judge(&bytes, from: source, receivedAt: receivedAt, now: now)
        if judgment.verdict == .reply, !isWithinRate() {
            judgment = Judgment(verdict: .drop(.rate), index: judgment.index)
        }
        settle(judgment, bytes.bytes, wasSent: true)
        return judgment.verdict
    }

    /// Decides, and leaves the counting to `settle`, which can run after the reply has left.
    @inline(__always)
    mutating func judge(
        _ bytes: inout MutableRawSpan,
        from source: EchoSource,
        receivedAt: Int64,
        now: Int64
    ) -> Judgment {
        guard let datagram = EchoDatagram(bytes.bytes) else {
            refuse(bytes.byteCount, from: source)
            return Judgment(verdict: .drop(.malformed), index: -1)
        }
        let index = find(datagram.token)
        guard index >= 0 else {
            refuse(bytes.byteCount, from: source)
            return Judgment(verdict: .drop(.unknownToken), index: -1)
        }
        let verdict = entries[index].judge(length: UInt64(bytes.byteCount), from: source, now: now)
        if verdict == .reply { EchoDatagram.setServerReceive(receivedAt, in: &bytes) }
        return Judgment(verdict: verdict, index: index)
    }

    /// Charges a datagram without a permit to the account of its source address: it used the line all the same.
    @inline(never)
    private mutating func refuse(_ length: Int, from source: EchoSource) {
        guard let index = entries.firstIndex(where: { $0.isAddress(of: source) }) else { return }
        entries[index].refuse(length)
    }

    /// Counts what was judged, in the order of arrival.
    mutating func settle(_ judgment: Judgment, _ bytes: RawSpan, wasSent: Bool) {
        guard judgment.index >= 0, let datagram = EchoDatagram(bytes) else {
            if judgment.verdict == .drop(.malformed) {
                strangers.malformed &+= 1
            } else {
                strangers.unknownToken &+= 1
            }
            return
        }
        entries[judgment.index].settle(
            judgment.verdict,
            sequence: datagram.sequence,
            length: UInt64(bytes.byteCount),
            wasSent: wasSent
        )
    }

    /// Compares every permit, whether or not an earlier one matched.
    @inline(__always)
    private func find(_ token: AccessToken) -> Int {
        var found = -1
        for index in entries.indices {
            let difference = entries[index].permit.token.difference(token)
            // All ones if equal: (d | -d) has its top bit set for every d but 0.
            let equal = Int(truncatingIfNeeded: (difference | (0 &- difference)) >> 63) &- 1
            found = (found & ~equal) | (index & equal)
        }
        return found
    }
}

extension EchoResponder.Entry {
    @inline(__always)
    fileprivate mutating func judge(length: UInt64, from source: EchoSource, now: Int64) -> EchoResponder.Verdict {
        guard accepts(source) else {
            if isAddress(of: source) { refuse(Int(length)) }
            return .drop(.wrongSource)
        }
        // A reply is as long as its request.
        guard granted >= 2 * length || refill(for: 2 * length) else { return .drop(.budget) }
        guard rate.admit(at: now) else {
            spend(length)
            return .drop(.rate)
        }
        spend(2 * length)
        return .reply
    }

    @inline(__always)
    private mutating func spend(_ bytes: UInt64) {
        if permit.account != nil { granted -= bytes }
    }

    fileprivate func isAddress(of source: EchoSource) -> Bool {
        guard case (.host(let host), .datagram(let address)) = (permit.peer, source) else { return false }
        return host == address.host
    }

    @inline(never)
    fileprivate mutating func refuse(_ length: Int) {
        // Of a datagram that is too long, only the beginning was received.
        let payload = length > EchoDatagram.maximumLength ? UDPLength.longestPayload : length
        let cost = UInt64(payload + UDPLength.headers)
        counters.bytesRefused &+= cost
        guard permit.account != nil else { return }
        let paid = min(cost, granted)
        granted -= paid
        owed += cost - paid
        while owed > 0, refill(for: 0) {}
    }

    /// Requests more from the account and pays what is owed first; false if the account has nothing, for now or for
    /// good.
    private mutating func refill(for needed: UInt64) -> Bool {
        guard let account = permit.account else { return true }
        guard let more = account.take(EchoResponder.grant, moved: 0), more > 0 else { return false }
        // Counts as moved at once: streams beside the echo do not wait for what it might give back.
        account.giveBack(0, moved: more)
        let paid = min(owed, UInt64(more))
        owed -= paid
        granted += UInt64(more) - paid
        return granted >= needed
    }

    fileprivate mutating func settle(
        _ verdict: EchoResponder.Verdict,
        sequence: UInt64,
        length: UInt64,
        wasSent: Bool
    ) {
        switch verdict {
        case .drop(.wrongSource), .drop(.malformed), .drop(.unknownToken):
            counters.wrongSource &+= 1
            return
        case .drop(.rate):
            counters.overRate &+= 1
        case .drop(.budget):
            counters.overBudget &+= 1
        case .reply where wasSent:
            counters.repliesSent &+= 1
            counters.bytesOut &+= length
        case .reply:
            counters.unsent &+= 1
        }
        arrived(sequence, length: length)
    }

    @inline(__always)
    private mutating func accepts(_ source: EchoSource) -> Bool {
        switch (permit.peer, source) {
        case (.host(let host), .datagram(let address)):
            guard host == address.host else { return false }
            if let pinned = pinnedPort { return pinned == address.port }
            pinnedPort = address.port
            return true
        case (.tunnel(let expected), .tunnel(let actual)):
            return expected == actual
        case (.host, .tunnel), (.tunnel, .datagram):
            return false
        }
    }

    private mutating func arrived(_ sequence: UInt64, length: UInt64) {
        counters.packetsReceived &+= 1
        counters.bytesIn &+= length
        switch window.record(sequence) {
        case .new:
            counters.distinctSequences &+= 1
        case .reordered:
            counters.distinctSequences &+= 1
            counters.reordered &+= 1
        case .duplicate:
            counters.duplicates &+= 1
        case .tooOld:
            counters.tooOld &+= 1
        }
        counters.highestSequence = window.highest
    }
}
