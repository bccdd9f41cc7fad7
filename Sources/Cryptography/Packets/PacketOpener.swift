/// Opens the packets of one direction, in place: section 3 of `Docs/COURIER-PROTOCOL.md`.
///
/// It finds the epoch and path of a packet by its connection ID, unmasks the number, refuses one that was opened
/// before, and opens the packet with the key of its generation. Only then does it move: the window, and to a higher
/// generation. So a forged packet costs one mask, at most one attempt to open it, and all of them together one step of
/// the keys.
///
/// A generation that is two behind the current one is overwritten at once, because its numbers are below the window.
/// ``forgetOldKeys()`` is for the others.
///
/// The value has libcrypto contexts of its own. A packet takes no lock and allocates nothing, except for the first ones
/// of a generation.
///
/// Not `Sendable`: the owner uses it on one thread at a time.
package struct PacketOpener: ~Copyable {
    /// Epochs whose packets are opened at once: the current one, and the one before or the next one.
    private static let epochCount = 2

    private let failureLimit: UInt64
    private let direction: PacketDirection
    private let contexts = CipherContexts(capacity: Self.epochCount * IncomingEpoch.keyCount)
    /// Epoch e is number e mod 2.
    private var epochs = InlineArray<2, IncomingEpoch?> { _ in nil }
    /// What is not secret of the same epochs.
    private var facts = InlineArray<2, EpochFacts?>(repeating: nil)
    /// Whether there is a key of the generation before the current one.
    private var holdsPreviousKey = false
    private var window = ReplayWindow()
    /// That of the highest authentic number; at first, that of the base.
    private var generation: UInt64
    /// The last one that began.
    private var newestEpoch: UInt32
    /// The place of the last packet, where the next one is looked for first.
    private var lastPlace = Place(epoch: 0, path: 0)

    /// The highest epoch of which there was an authentic packet; before that, the first one.
    package private(set) var epoch: UInt32
    /// Packets that failed to open, under all keys. At ``PacketLimits/failedToOpen`` no more is tried.
    package private(set) var failedCount: UInt64

    /// - Parameter failedCount: packets of the session that failed to open elsewhere.
    package init(_ keys: consuming PacketKeys, limits: PacketLimits? = nil, failedCount: UInt64 = 0) {
        failureLimit = (limits ?? PacketLimits(keys.algorithm)).failedToOpen
        direction = keys.direction
        generation = keys.base
        epoch = keys.epoch
        newestEpoch = keys.epoch
        self.failedCount = failedCount
        hold(keys)
    }

    /// The highest authentic number.
    package var highestNumber: UInt64? { window.highest }

    /// The connection IDs of an epoch, by which the owner finds this value; nil if the epoch is not held.
    package func connectionIDs(of epoch: UInt32) -> InlineArray<8, UInt64>? {
        guard let facts = facts[Self.index(epoch)], facts.epoch == epoch else { return nil }
        return facts.connectionIDs
    }

    /// Whether a connection ID is one of those of the epochs that are held.
    package func holds(connectionID: UInt64) -> Bool {
        for epoch in facts.indices {
            guard let ids = facts[epoch]?.connectionIDs else { continue }
            for path in ids.indices where ids[path] == connectionID { return true }
        }
        return false
    }

    // MARK: Epochs

    /// Opens packets of the next epoch too. What is left of the one before the current one is forgotten.
    ///
    /// Keys of the other direction are a programming error and trap.
    package mutating func begin(_ keys: consuming PacketKeys) throws(EpochFailure) {
        precondition(keys.direction == direction, "an opener has one direction")
        guard epoch == newestEpoch, newestEpoch < .max, keys.epoch == newestEpoch + 1 else { throw .outOfOrder }
        let lowest = facts[Self.index(epoch)]?.base ?? 0
        guard keys.base >= lowest, keys.base <= generation else { throw .baseOutOfRange }
        newestEpoch = keys.epoch
        if keys.base < generation { holdsPreviousKey = true }
        hold(keys)
    }

    /// Whether ``forgetOldKeys()`` may have something to forget, now or with later numbers.
    package var holdsOldKeys: Bool { holdsPreviousKey || oldEpoch != nil }

    /// Overwrites keys that authentic packets no longer need: those of the epoch before the current one, and that of
    /// the generation before the current one when all its numbers are below the window. The owner calls it three probe
    /// timeouts after ``epoch`` or the generation of ``highestNumber`` grew.
    package mutating func forgetOldKeys() {
        if let oldEpoch {
            epochs[Self.index(oldEpoch)] = nil
            facts[Self.index(oldEpoch)] = nil
        }
        let start = generation << PacketKeys.generationShift
        if let highest = window.highest, highest >= start, highest - start >= ReplayWindow.size {
            for place in epochs.indices { epochs[place]?.forgetKey(before: generation) }
            holdsPreviousKey = false
        }
    }

    /// The epoch before the current one, if it is held.
    private var oldEpoch: UInt32? {
        guard let other = facts[Self.index(epoch &+ 1)], other.epoch < epoch else { return nil }
        return other.epoch
    }

    private mutating func hold(_ keys: consuming PacketKeys) {
        let place = Self.index(keys.epoch)
        facts[place] = EpochFacts(epoch: keys.epoch, base: keys.base, connectionIDs: keys.connectionIDs)
        epochs[place] = IncomingEpoch(keys, contexts: contexts, generation: generation)
    }

    // MARK: Packets

    /// Opens one packet, all of `packet`.
    package mutating func open(_ packet: inout MutableRawSpan) -> Outcome {
        guard packet.byteCount >= PacketLayout.minimumLength else { return .refused(.tooShort) }
        guard let place = find(packet.bigEndian(at: 0)) else { return .refused(.unknownConnection) }
        guard let mask = mask(of: packet, in: place.epoch) else { fatalError("an epoch has no masks") }
        return open(&packet, in: place, mask: mask)
    }

    /// Opens packets that lie one after the other, as the kernel coalesces them.
    ///
    /// - Parameters:
    ///   - packets: their bytes.
    ///   - length: bytes of each packet; the last one may be shorter.
    ///   - outcomes: takes what became of each, in order. It has at least as many places as there are packets.
    /// - Returns: the number of packets.
    package mutating func open(
        _ packets: inout MutableRawSpan,
        length: Int,
        outcomes: inout MutableSpan<Outcome>
    ) -> Int {
        precondition(length > 0, "a packet has bytes")
        let total = packets.byteCount
        let count = (total + length - 1) / length
        precondition(outcomes.count >= count, "each packet has an outcome")
        var first = 0
        while first < count {
            let next = min(first + HeaderProtection.capacity, count)
            openSome(&packets, first..<next, length: length, outcomes: &outcomes)
            first = next
        }
        return count
    }

    /// At most as many as there may be samples.
    @inline(__always)
    private mutating func openSome(
        _ packets: inout MutableRawSpan,
        _ range: Range<Int>,
        length: Int,
        outcomes: inout MutableSpan<Outcome>
    ) {
        let total = packets.byteCount
        var places = InlineArray<64, Place>(repeating: Place(epoch: 0, path: 0))
        for index in range {
            let start = index * length
            if min(length, total - start) < PacketLayout.minimumLength {
                outcomes[index] = .refused(.tooShort)
                places[index - range.lowerBound] = .none
            } else if let place = find(packets.bigEndian(at: start)) {
                epochs[place.epoch]?.headers.collect(packets, at: start)
                places[index - range.lowerBound] = place
            } else {
                outcomes[index] = .refused(.unknownConnection)
                places[index - range.lowerBound] = .none
            }
        }
        for index in epochs.indices { epochs[index]?.headers.computeMasks() }
        // The next sample of each epoch.
        var samples = InlineArray<2, Int>(repeating: 0)
        for index in range {
            let place = places[index - range.lowerBound]
            if place.isNone { continue }
            guard let mask = epochs[place.epoch]?.headers.mask(samples[place.epoch]) else {
                fatalError("an epoch went away during a batch")
            }
            samples[place.epoch] += 1
            let start = index * length
            var packet = packets._mutatingExtracting(start..<min(start + length, total))
            outcomes[index] = open(&packet, in: place, mask: mask)
        }
        for index in epochs.indices { epochs[index]?.headers.clear() }
    }

    private mutating func mask(of packet: borrowing MutableRawSpan, in place: Int) -> UInt64? {
        epochs[place]?.headers.collect(packet, at: 0)
        epochs[place]?.headers.computeMasks()
        let mask = epochs[place]?.headers.mask(0)
        epochs[place]?.headers.clear()
        return mask
    }

    /// Opens a packet whose mask is known.
    @inline(__always)
    private mutating func open(_ packet: inout MutableRawSpan, in place: Place, mask: UInt64) -> Outcome {
        let number = packet.bigEndian(at: PacketLayout.numberOffset) ^ mask
        switch window.check(number) {
        case .fresh: break
        case .replayed: return .refused(.replayed)
        case .tooOld: return .refused(.tooOld)
        }
        guard failedCount < failureLimit else { return .refused(.failedTooOften) }
        let claimed = PacketKeys.generation(of: number)
        guard claimed <= generation + 1, claimed + 1 >= generation else { return .refused(.noKey) }
        let connectionID = packet.bigEndian(at: 0)
        guard let isAuthentic = epochs[place.epoch]?.open(&packet, connectionID: connectionID, number: number) else {
            return .refused(.noKey)
        }
        guard isAuthentic else {
            failedCount += 1
            return .refused(.notAuthentic)
        }
        window.insert(number)
        if claimed > generation { commit(to: claimed) }
        let packetEpoch = facts[place.epoch]?.epoch ?? 0
        if packetEpoch > epoch { epoch = packetEpoch }
        return .opened(Opened(number: number, epoch: packetEpoch, path: UInt8(place.path)))
    }

    @inline(never)
    private mutating func commit(to claimed: UInt64) {
        generation = claimed
        holdsPreviousKey = true
        for place in epochs.indices { epochs[place]?.commit(to: claimed) }
    }

    // MARK: Connection IDs

    private struct EpochFacts {
        let epoch: UInt32
        let base: UInt64
        let connectionIDs: InlineArray<8, UInt64>
    }

    /// An epoch's place and the index of a connection ID in it.
    private struct Place {
        static let none = Place(epoch: -1, path: 0)
        let epoch: Int
        let path: Int
        var isNone: Bool { epoch < 0 }
    }

    @inline(__always)
    private mutating func find(_ connectionID: UInt64) -> Place? {
        if facts[lastPlace.epoch]?.connectionIDs[lastPlace.path] == connectionID { return lastPlace }
        return search(connectionID)
    }

    @inline(never)
    private mutating func search(_ connectionID: UInt64) -> Place? {
        for epoch in epochs.indices {
            for path in 0..<PacketKeys.connectionIDCount
            where facts[epoch]?.connectionIDs[path] == connectionID {
                lastPlace = Place(epoch: epoch, path: path)
                return lastPlace
            }
        }
        return nil
    }

    @inline(__always)
    private static func index(_ epoch: UInt32) -> Int { Int(epoch & 1) }
}
