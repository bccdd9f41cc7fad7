internal import Cryptography
internal import Identity

@testable import FileTransfer

/// Two sessions after a real handshake, over a path in virtual time that delays, loses, duplicates, reorders and
/// damages.
struct SessionPair: ~Copyable {
    struct Path {
        /// Nanoseconds in one direction.
        var delay: Int64 = 10_000_000
        /// Parts of a thousand.
        var loss: UInt64 = 0
        var duplication: UInt64 = 0
        var reordering: UInt64 = 0
        var damage: UInt64 = 0
        /// What the machines' routes take.
        var datagramSize = 1_472
        /// Bytes that may be in flight on a path whose round trip takes less than 2 ms.
        var receiveBuffer = 4 << 20
        /// Bytes of the largest datagram that passes, from virtual times in nanoseconds after the start on.
        var largest: [(from: Int64, bytes: Int)] = []
    }

    private struct Datagram {
        let arrives: Instant
        let toResponder: Bool
        let from: Int
        let to: Int
        let bytes: [UInt8]
    }

    var path: Path
    var random: UInt64
    var now = Instant(nanoseconds: 1_000_000_000)
    let files: MemorySource
    let sink = MemorySink()
    var sender: Session<FileSender>
    var receiver: Session<FileReceiver>
    private var flying: [Datagram] = []
    private(set) var delivered = 0
    /// Ends the run when the sender knows that all files are through.
    var stopsBeforeReceipts = false
    /// Bytes of the longest datagram that was sent.
    private(set) var longest = 0
    /// Datagrams that were larger than what passes.
    private(set) var tooLarge = 0
    let start: Instant
    /// Addresses: hosts are hundreds, ports what is beyond.
    var senderAddress = 100
    var receiverAddress = 200
    /// The peer's addresses by the numbers that a session gives them.
    private var receiverOfID = [200, 0, 0, 0]
    private var senderOfID = [100, 0, 0, 0]
    /// Addresses from which somebody delivers a copy of each datagram before it arrives itself, or of every nth one.
    var copiers: [Int] = []
    var copyEvery = 1
    private var launched = 0
    /// Bytes that went from and to each address.
    private(set) var bytesFrom: [Int: Int] = [:]
    private(set) var bytesTo: [Int: Int] = [:]
    /// Whether the receiver accepts what is offered; nil: it does not answer.
    var accepts: Bool? = true

    init(
        _ files: [[UInt8]],
        over path: Path = Path(),
        seed: UInt64 = 1,
        congestion: CongestionControl.Algorithm = .cubic,
        largestDatagram: Int = SessionParameters.largestDatagram,
        listed: Int = .max
    ) throws {
        self.path = path
        random = seed
        start = now
        self.files = MemorySource(files)
        let (one, other) = (IdentityKey(), IdentityKey())
        var parameters = SessionParameters()
        parameters.suites = [.xChaCha20Poly1305, .aes256GCM]
        parameters.sessionCredit = SessionParameters.creditWindow
        parameters.receiveBuffer = UInt32(path.receiveBuffer)
        parameters.maximumDatagram = largestDatagram
        var initiator = HandshakeInitiator(identity: one, peer: other.endpointID, parameters: parameters, now: now)
        var responder = HandshakeResponder(identity: other, parameters: parameters, now: now)
        let source = [UInt8](repeating: 1, count: 18)
        guard let first = try initiator.poll(now), case .send(let second) = responder.receive(first, from: source, now),
            let outgoing = try initiator.receive(second),
            case .established(let incoming) = responder.receive(outgoing.reply, from: source, now)
        else { throw HandshakeFailure.unanswered }
        let entries = files.enumerated().map { index, file in
            TransferEntry(
                number: UInt32(index),
                kind: .file,
                mode: 0o644,
                seconds: 1,
                nanoseconds: 2,
                size: UInt64(file.count),
                path: Array("file-\(index)".utf8)
            )
        }
        self.files.unlisted = Array(entries.dropFirst(listed))
        sender = Session(
            outgoing,
            parameters: parameters,
            content: FileSender(
                Array(entries.prefix(listed)),
                from: self.files,
                role: .initiator,
                signer: ReceiptSigner(one, peer: other.endpointID) { 1 }
            ),
            datagramSize: path.datagramSize,
            congestion: congestion,
            now: now
        )
        receiver = Session(
            incoming,
            parameters: parameters,
            content: FileReceiver(into: sink, signer: ReceiptSigner(other, peer: one.endpointID) { 2 }),
            datagramSize: path.datagramSize,
            now: now
        )
    }

    /// How both ended.
    var ends: String {
        "\(sender.end as Any), \(receiver.end as Any), \(sender.content.state), \(receiver.content.state)"
    }

    /// Whether both ended, and not by a failure.
    var isDone: Bool {
        let good: [SessionEnd?] = [.closed(.done, ""), .closedByPeer(.done, "")]
        return good.contains(sender.end) && good.contains(receiver.end)
    }

    private mutating func happens(_ thousandths: UInt64) -> Bool {
        guard thousandths > 0 else { return false }
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return random % 1_000 < thousandths
    }

    /// Sends what both have, delivers the next datagram, or moves the clock. False: nothing will happen any more.
    private mutating func step() -> Bool {
        sendAll()
        if receiver.content.state == .offered, let accepts {
            if accepts { receiver.content.accept() } else { receiver.content.refuse("not wanted") }
            return true
        }
        if sender.content.hasWork { sender.content.work() }
        if receiver.content.hasWork { receiver.content.work() }
        let nextArrival = flying.map(\.arrives).min()
        let deadlines = [nextArrival, sender.nextDeadline(now: now), receiver.nextDeadline(now: now)].compactMap { $0 }
        guard let next = deadlines.min() else { return false }
        now = max(now, next)
        while let index = flying.firstIndex(where: { $0.arrives <= now }) { deliver(flying.remove(at: index)) }
        sender.timeout(now: now)
        receiver.timeout(now: now)
        return true
    }

    /// Where an end believes that the other one is.
    var destinations: (ofSender: Int, ofReceiver: Int) {
        (receiverOfID[sender.currentPath], senderOfID[receiver.currentPath])
    }

    private mutating func deliver(_ datagram: Datagram) {
        guard datagram.to == (datagram.toResponder ? receiverAddress : senderAddress) else { return }
        delivered += 1
        var bytes = datagram.bytes
        let size = bytes.count
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        if datagram.toResponder {
            Self.deliver(&raw, size, from: datagram.from, to: &receiver, &senderOfID, now)
        } else {
            Self.deliver(&raw, size, from: datagram.from, to: &sender, &receiverOfID, now)
        }
    }

    private static func deliver<Content: SessionContent & ~Copyable>(
        _ raw: inout MutableRawSpan,
        _ size: Int,
        from: Int,
        to session: inout Session<Content>,
        _ addresses: inout [Int],
        _ now: Instant
    ) {
        let current = session.currentPath
        if from == addresses[current] {
            session.receive(&raw, segment: size, now: now)
            return
        }
        let id = addresses.indices.first { $0 != current && session.holds(path: $0) && addresses[$0] == from }
        let arrival = PathArrival(id: id, isSameHost: from / 100 == addresses[current] / 100)
        let kept = session.receive(&raw, segment: size, from: arrival, now: now)
        if let kept { addresses[kept] = from }
    }

    private mutating func sendAll() {
        var buffer = [UInt8](repeating: 0, count: 65_507)
        for toResponder in [true, false] {
            while true {
                var span = buffer.mutableSpan
                var raw = span.mutableBytes
                let run = toResponder ? sender.send(into: &raw, now: now) : receiver.send(into: &raw, now: now)
                guard let run else { break }
                for start in stride(from: 0, to: run.length, by: run.segment) {
                    let bytes = Array(buffer[start..<min(start + run.segment, run.length)])
                    let to = toResponder ? receiverOfID[run.path] : senderOfID[run.path]
                    launch(bytes, toResponder: toResponder, to: to)
                }
            }
        }
    }

    private mutating func launch(_ bytes: [UInt8], toResponder: Bool, to: Int) {
        longest = max(longest, bytes.count)
        if let now = path.largest.last(where: { now - start >= $0.from }), bytes.count > now.bytes {
            tooLarge += 1
            return
        }
        let from = toResponder ? senderAddress : receiverAddress
        bytesFrom[from, default: 0] += bytes.count
        bytesTo[to, default: 0] += bytes.count
        launched += 1
        for copier in copiers where launched % copyEvery == 0 {
            bytesFrom[copier, default: 0] += bytes.count
            let arrives = now + path.delay - 1_000
            flying.append(Datagram(arrives: arrives, toResponder: toResponder, from: copier, to: to, bytes: bytes))
        }
        if happens(path.loss) { return }
        var bytes = bytes
        if happens(path.damage) { bytes[Int(random % UInt64(bytes.count))] ^= 1 }
        let late = happens(path.reordering) ? path.delay / 2 : 0
        let arrives = now + path.delay + late
        let datagram = Datagram(arrives: arrives, toResponder: toResponder, from: from, to: to, bytes: bytes)
        flying.append(datagram)
        if happens(path.duplication) { flying.append(datagram) }
    }

    /// Runs until both ends are through, at most for so many seconds of virtual time.
    mutating func run(seconds: Int64 = 600) {
        let end = now + seconds * 1_000_000_000
        while now < end, sender.end == nil || receiver.end == nil {
            if stopsBeforeReceipts, sender.content.state == .finished, sender.content.receipt == nil { return }
            if !runOnce() { return }
        }
    }

    /// One step of it. False: nothing will happen any more.
    @discardableResult
    mutating func runOnce() -> Bool {
        switch sender.content.state {
        case .finished where sender.isQuiet && sender.content.isSettled, .refused: sender.close(.done)
        default: break
        }
        if receiver.content.isSettled, receiver.isQuiet { receiver.close(.done) }
        return step()
    }
}
