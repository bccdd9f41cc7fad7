internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Opening packets", .ownThread)
struct PacketOpenerTests {
    typealias Algorithm = RecordCipher.Algorithm
    typealias Outcome = PacketOpener.Outcome

    /// 2¹⁶: numbers of a generation.
    private static let step: UInt64 = 65_536

    @Test(arguments: Algorithm.allCases)
    func `packets of all lengths, paths and directions open to what was sealed`(_ algorithm: Algorithm) throws {
        for direction in PacketDirection.allCases {
            let sealer = Sealer(PacketEnds.keys(algorithm, direction))
            let opener = Opener(PacketEnds.keys(algorithm, direction))
            for (number, payload) in (Array(0...40) + [1400, 1420, 8920, 65_000]).enumerated() {
                let number = UInt64(number * 3)
                let path = number % 8
                let packet = try sealer.packet(number, payload: payload, path: Int(path))
                let (outcome, bytes) = opener.opened(packet)
                #expect(outcome == .opened(number, path: UInt8(path)))
                #expect(Array(bytes[16..<bytes.count - 16]) == PacketEnds.plaintext(number, payload: payload))
                #expect(opener.highestNumber == number)
            }
        }
    }

    @Test(arguments: Algorithm.allCases)
    func `packets of the other direction have unknown connection IDs`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm, .fromResponder))
        let opener = Opener(PacketEnds.keys(algorithm, .fromInitiator))
        let packet = try sealer.packet(0)
        let (outcome, bytes) = opener.opened(packet)
        #expect(outcome == .refused(.unknownConnection))
        #expect(bytes == packet)
    }

    @Test(arguments: Algorithm.allCases)
    func `a packet of which any bit was flipped is refused, and opens as it was`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let packet = try sealer.packet(70, payload: 9)
        for bit in 0..<8 * packet.count {
            var changed = packet
            changed[bit / 8] ^= 1 << (bit % 8)
            let outcome = opener.outcome(changed)
            #expect(outcome.number == nil, "bit \(bit)")
            if bit < 64 { #expect(outcome == .refused(.unknownConnection)) }
            // A flipped sample changes the mask, and so the number, which is mostly in no generation.
            if bit >= 256 { #expect(outcome == .refused(.notAuthentic)) }
            // The window did not move.
            #expect(opener.highestNumber == nil)
        }
        #expect(opener.failedCount >= UInt64(8 * (packet.count - 32)))
        #expect(opener.outcome(packet) == .opened(70))
    }

    @Test(arguments: Algorithm.allCases)
    func `a packet that is cut anywhere, or that a byte was added to, is refused`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let packet = try sealer.packet(1, payload: 20)
        for length in 0..<packet.count {
            let outcome = opener.outcome(Array(packet.prefix(length)))
            #expect(outcome == .refused(length < 52 ? .tooShort : .notAuthentic))
        }
        #expect(opener.outcome(packet + [0]) == .refused(.notAuthentic))
        #expect(opener.outcome(packet) == .opened(1))
    }

    @Test(arguments: Algorithm.allCases)
    func `a packet opens once, and one below the window not at all`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let packets = try [0, 1, 2, 8193, 8194].map { try sealer.packet($0) }
        #expect(opener.outcome(packets[1]) == .opened(1))
        let (outcome, bytes) = opener.opened(packets[1])
        #expect(outcome == .refused(.replayed) && bytes == packets[1])
        #expect(opener.outcome(packets[3]) == .opened(8193))
        // 8193 − 8192 is in the window, and was opened.
        #expect(opener.outcome(packets[1]) == .refused(.replayed))
        #expect(opener.outcome(packets[0]) == .refused(.tooOld))
        #expect(opener.outcome(packets[2]) == .opened(2))
        #expect(opener.outcome(packets[4]) == .opened(8194))
        #expect(opener.outcome(packets[2]) == .refused(.replayed))
        #expect(opener.outcome(packets[3]) == .refused(.replayed))
        #expect(opener.failedCount == 0)
    }

    @Test(arguments: Algorithm.allCases)
    func `packets that are reordered around the steps of generations open, each once`(_ algorithm: Algorithm) throws {
        var random = RandomBytes(seed: 9)
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        for generation in 1..<7 as Range<UInt64> {
            let start = generation * Self.step
            var sealed: [(UInt64, [UInt8])] = []
            for number in start - 200..<start + 200 { sealed.append((number, try sealer.packet(number))) }
            for (number, packet) in sealed.shuffled(using: &random) {
                #expect(opener.outcome(packet) == .opened(number))
            }
            for (_, packet) in sealed { #expect(opener.outcome(packet) == .refused(.replayed)) }
        }
        #expect(opener.failedCount == 0)
    }

    @Test(arguments: Algorithm.allCases)
    func `a number more than a generation ahead is refused without a try, and one ahead opens`(_ algorithm: Algorithm)
        throws
    {
        let opener = Opener(PacketEnds.keys(algorithm))
        for number in [2 * Self.step, 3 * Self.step, 1 << 30, 1 << 47] {
            let sealer = ForgingSealer(algorithm)
            let packet = sealer.packet(number)
            let (outcome, bytes) = opener.opened(packet)
            #expect(outcome == .refused(.noKey) && bytes == packet)
        }
        #expect(opener.failedCount == 0)
        // From 0 to 1, and only from there to 2.
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let near = try sealer.packet(2 * Self.step - 1)
        let far = try sealer.packet(2 * Self.step)
        #expect(opener.outcome(far) == .refused(.noKey))
        #expect(opener.outcome(near) == .opened(2 * Self.step - 1))
        #expect(opener.outcome(far) == .opened(2 * Self.step))
    }

    @Test(arguments: Algorithm.allCases)
    func `forged packets of the next generation move nothing`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let first = try sealer.packet(3)
        #expect(opener.outcome(first) == .opened(3))
        let forger = ForgingSealer(algorithm)
        for index in 0..<100 as Range<UInt64> {
            // The highest number of the next generation, again and again.
            #expect(opener.outcome(forger.packet(2 * Self.step - 1)) == .refused(.notAuthentic))
            // If that were the current generation, this would be one behind and this number too old.
            let packet = try sealer.packet(4 + index)
            #expect(opener.outcome(packet) == .opened(4 + index))
        }
        #expect(opener.failedCount == 100 && opener.highestNumber == 103)
        let next = try sealer.packet(Self.step)
        #expect(opener.outcome(next) == .opened(Self.step))
    }

    @Test(arguments: Algorithm.allCases)
    func `packets that fail to open are counted, and none is tried beyond the limit`(_ algorithm: Algorithm) throws {
        var limits = PacketLimits(algorithm)
        limits.failedToOpen = 5
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm), limits: limits, failedCount: 2)
        let forger = ForgingSealer(algorithm)
        let first = try sealer.packet(0)
        let second = try sealer.packet(1)
        for _ in 0..<3 { #expect(opener.outcome(forger.packet(0)) == .refused(.notAuthentic)) }
        #expect(opener.failedCount == 5)
        let (outcome, bytes) = opener.opened(first)
        #expect(outcome == .refused(.failedTooOften) && bytes == first)
        #expect(opener.outcome(second) == .refused(.failedTooOften))
        #expect(opener.failedCount == 5)
    }

    // MARK: Batches

    @Test(arguments: Algorithm.allCases)
    func `packets that arrive together open as they would one by one`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let single = Opener(PacketEnds.keys(algorithm))
        let batches: [(count: UInt64, payload: Int, last: Int, start: UInt64)] = [
            (1, 10, 10, 0), (2, 10, 0, 1), (44, 200, 100, 10), (64, 20, 19, 100), (65, 20, 20, 200),
            (130, 5, 1, 65_500),
        ]
        for (count, payload, last, start) in batches {
            let numbers = start..<start + count
            let packets = try sealer.packets(numbers, payload: payload, last: last, path: 1)
            let (outcomes, bytes) = opener.outcomes(packets, length: 52 + payload)
            #expect(outcomes == numbers.map { .opened($0, path: 1) })
            for (index, number) in numbers.enumerated() {
                let start = index * (52 + payload)
                let end = min(start + 52 + payload, packets.count)
                let (outcome, alone) = single.opened(Array(packets[start..<end]))
                #expect(outcome == .opened(number, path: 1))
                #expect(Array(bytes[start..<end]) == alone)
            }
            let (again, _) = opener.outcomes(packets, length: 52 + payload)
            #expect(again == [Outcome](repeating: .refused(.replayed), count: Int(count)))
        }
        let (none, _) = opener.outcomes([], length: 100)
        #expect(none == [])
    }

    @Test(arguments: Algorithm.allCases)
    func `a batch of good, foreign, forged, repeated and short packets has each one's outcome`(_ algorithm: Algorithm)
        throws
    {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let stranger = Sealer(PacketEnds.keys(algorithm, .fromResponder))
        let forger = ForgingSealer(algorithm)
        let opener = Opener(PacketEnds.keys(algorithm))
        let first = try sealer.packet(0)
        let foreign = try stranger.packet(1)
        let second = try sealer.packet(1, path: 5)
        let forged = forger.packet(2)
        let third = try sealer.packet(2)
        let tail = Array(first.prefix(51))
        let all = first + foreign + second + first + forged + third + foreign + tail
        let (outcomes, bytes) = opener.outcomes(all, length: first.count)
        #expect(
            outcomes == [
                .opened(0), .refused(.unknownConnection), .opened(1, path: 5), .refused(.replayed),
                .refused(.notAuthentic), .opened(2), .refused(.unknownConnection), .refused(.tooShort),
            ]
        )
        // The foreign packets are for another session.
        let length = first.count
        #expect(Array(bytes[length..<2 * length]) == foreign)
        #expect(Array(bytes[6 * length..<7 * length]) == foreign)
        // All are too short.
        let (short, _) = opener.outcomes(all, length: 51)
        #expect(short.count == (all.count + 50) / 51 && short.allSatisfy { $0 == .refused(.tooShort) })
    }

    @Test func `too little room for outcomes, and packets without length, end the process with a reason`() async {
        await #expect(processExitsWith: .failure) { Self.open(length: 57, places: 1) }
        await #expect(processExitsWith: .failure) { Self.open(length: 0, places: 9) }
        await #expect(processExitsWith: .success) { Self.open(length: 57, places: 2) }
    }

    /// 58 bytes.
    private static func open(length: Int, places: Int) {
        let opener = Opener(PacketEnds.keys(.aes256GCM))
        var bytes = [UInt8](repeating: 0, count: 58)
        var outcomes = [Outcome](repeating: .refused(.tooShort), count: places)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        var room = outcomes.mutableSpan
        _ = opener.value.open(&raw, length: length, outcomes: &room)
    }

    // MARK: Epochs

    @Test(arguments: Algorithm.allCases)
    func `packets that are reordered across epochs and generations open, each once`(_ algorithm: Algorithm) throws {
        var random = RandomBytes(seed: 11)
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        for epoch in 1..<6 as Range<UInt32> {
            // The epoch's REKEY is in a packet before the step, and its first packet is around the step.
            let start = UInt64(epoch) * Self.step
            let rekey = try sealer.packet(start - 300)
            #expect(opener.outcome(rekey) == .opened(start - 300, epoch: epoch - 1))
            let base = UInt64(epoch) - 1
            try opener.begin(PacketEnds.keys(algorithm, epoch: epoch, base: base))
            let change = start - 50 + UInt64(epoch) * 20
            var sealed: [(Outcome, [UInt8])] = []
            for number in start - 200..<start + 200 {
                if number == change { sealer.begin(PacketEnds.keys(algorithm, epoch: epoch, base: base)) }
                let packetEpoch = number < change ? epoch - 1 : epoch
                let path = UInt8(number % 8)
                sealed.append(
                    (.opened(number, epoch: packetEpoch, path: path), try sealer.packet(number, path: Int(path)))
                )
            }
            sealed.shuffle(using: &random)
            // Half of them alone, half together.
            for (outcome, packet) in sealed.prefix(200) { #expect(opener.outcome(packet) == outcome) }
            let (outcomes, _) = opener.outcomes(sealed.dropFirst(200).flatMap(\.1), length: 57)
            #expect(outcomes == sealed.dropFirst(200).map(\.0))
            for (_, packet) in sealed { #expect(opener.outcome(packet) == .refused(.replayed)) }
            #expect(opener.epoch == epoch)
        }
        #expect(opener.failedCount == 0)
    }

    @Test(arguments: Algorithm.allCases)
    func `an epoch that begins many generations after its base opens`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        for generation in 0...9 as ClosedRange<UInt64> {
            let packet = try sealer.packet(generation * Self.step + 5)
            #expect(opener.outcome(packet) == .opened(generation * Self.step + 5))
        }
        try opener.begin(PacketEnds.keys(algorithm, epoch: 1, base: 2))
        sealer.begin(PacketEnds.keys(algorithm, epoch: 1, base: 2))
        for number in [9 * Self.step + 6, 10 * Self.step, 11 * Self.step] {
            let packet = try sealer.packet(number)
            #expect(opener.outcome(packet) == .opened(number, epoch: 1))
        }
    }

    @Test(arguments: Algorithm.allCases)
    func `a number of a generation before the epoch's base has no key`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let packet = try sealer.packet(Self.step)
        #expect(opener.outcome(packet) == .opened(Self.step))
        try opener.begin(PacketEnds.keys(algorithm, epoch: 1, base: 1))
        // Its connection ID and mask are right.
        let early = Sealer(PacketEnds.keys(algorithm, epoch: 1, base: 0))
        let before = try early.packet(Self.step - 1)
        #expect(opener.outcome(before) == .refused(.noKey))
        #expect(opener.failedCount == 0)
    }

    @Test(arguments: Algorithm.allCases)
    func `an epoch out of order, or with a base out of range, does not begin`(_ algorithm: Algorithm) throws {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        func begin(_ epoch: UInt32, _ base: UInt64) -> PacketOpener.EpochFailure? {
            do throws(PacketOpener.EpochFailure) {
                try opener.begin(PacketEnds.keys(algorithm, epoch: epoch, base: base))
                return nil
            } catch { return error }
        }
        let first = try sealer.packet(Self.step)
        #expect(opener.outcome(first) == .opened(Self.step))
        #expect(begin(0, 0) == .outOfOrder)
        #expect(begin(2, 0) == .outOfOrder)
        #expect(begin(1, 2) == .baseOutOfRange)
        #expect(begin(1, .max) == .baseOutOfRange)
        #expect(begin(1, 1) == nil)
        // There is no packet of epoch 1 yet.
        #expect(begin(2, 1) == .outOfOrder)
        sealer.begin(PacketEnds.keys(algorithm, epoch: 1, base: 1))
        let second = try sealer.packet(Self.step + 1)
        #expect(opener.outcome(second) == .opened(Self.step + 1, epoch: 1))
        #expect(begin(2, 0) == .baseOutOfRange)
        #expect(begin(2, 1) == nil)
    }

    // MARK: Old keys

    @Test(arguments: Algorithm.allCases)
    func `an old epoch is forgotten when the owner says so, not before, and not the current one`(_ algorithm: Algorithm)
        throws
    {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let old = try (0..<4).map { try sealer.packet($0) }
        #expect(opener.outcome(old[0]) == .opened(0))
        try opener.begin(PacketEnds.keys(algorithm, epoch: 1, base: 0))
        // Epoch 1 has no authentic packet yet.
        #expect(!opener.holdsOldKeys)
        opener.forgetOldKeys()
        #expect(opener.outcome(old[1]) == .opened(1))
        #expect(opener.holds(epoch: 0) && opener.holds(epoch: 1))
        sealer.begin(PacketEnds.keys(algorithm, epoch: 1, base: 0))
        let new = try sealer.packet(4)
        #expect(opener.outcome(new) == .opened(4, epoch: 1))
        #expect(opener.holdsOldKeys)
        #expect(opener.outcome(old[2]) == .opened(2))
        opener.forgetOldKeys()
        #expect(!opener.holdsOldKeys)
        #expect(opener.outcome(old[3]) == .refused(.unknownConnection))
        #expect(!opener.holds(epoch: 0) && opener.holds(epoch: 1))
        let last = try sealer.packet(5)
        #expect(opener.outcome(last) == .opened(5, epoch: 1))
    }

    @Test(arguments: Algorithm.allCases)
    func `an old generation is forgotten when the owner says so and the window has left it`(_ algorithm: Algorithm)
        throws
    {
        let sealer = Sealer(PacketEnds.keys(algorithm))
        let opener = Opener(PacketEnds.keys(algorithm))
        let old = try [Self.step - 3, Self.step - 2, Self.step - 1].map { try sealer.packet($0) }
        let new = try [Self.step + 8189, Self.step + 8191, Self.step + 8192].map { try sealer.packet($0) }
        #expect(opener.outcome(new[0]) == .opened(Self.step + 8189))
        #expect(opener.outcome(old[0]) == .opened(Self.step - 3))
        opener.forgetOldKeys()
        #expect(opener.holdsOldKeys)
        #expect(opener.outcome(old[1]) == .opened(Self.step - 2))
        #expect(opener.outcome(new[1]) == .opened(Self.step + 8191))
        opener.forgetOldKeys()
        // The last number of the old generation is 8192 below.
        #expect(opener.outcome(old[2]) == .opened(Self.step - 1))
        #expect(opener.outcome(new[2]) == .opened(Self.step + 8192))
        #expect(opener.holdsOldKeys)
        opener.forgetOldKeys()
        #expect(!opener.holdsOldKeys)
    }
}

/// Makes packets whose connection ID and mask are right for the initiator's epoch 0, but whose key is not: what someone
/// makes who has seen many packets.
final class ForgingSealer {
    private var cipher: RecordCipher
    private var headers: HeaderProtection
    private let connectionID: UInt64

    init(_ algorithm: RecordCipher.Algorithm) {
        let keys = PacketEnds.keys(algorithm)
        cipher = RecordCipher(
            algorithm,
            key: [UInt8](repeating: 0xf0, count: 32),
            noncePrefix: keys.noncePrefix,
            contexts: CipherContexts(capacity: 1)
        )
        headers = HeaderProtection(algorithm, key: keys.headerKey)
        connectionID = keys.connectionIDs[0]
    }

    func packet(_ number: UInt64) -> [UInt8] {
        var bytes = PacketEnds.unsealed(number, payload: 5)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        cipher.sealPacket(&raw, connectionID: connectionID, number: number)
        headers.collect(raw, at: 0)
        headers.computeMasks()
        raw.store(bigEndian: number ^ headers.mask(0), at: 8)
        headers.clear()
        return bytes
    }
}
