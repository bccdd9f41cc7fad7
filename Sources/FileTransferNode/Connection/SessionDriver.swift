internal import FileTransfer
internal import PacketIO
internal import SystemErrors

/// Moves packets between a session and its socket, on the calling thread.
struct SessionDriver<Content: SessionContent & ~Copyable>: ~Copyable {
    /// Runs that are sent before arrivals are looked at again.
    private static var runsAtOnce: Int { 4 }

    var session: Session<Content>
    private var socket: PacketSocket
    /// Nil while what they hold is processed.
    private var buffers: ReceiveBuffers?
    private var poll: PollSet
    private let place: Int
    /// The session's address, and all that it keeps, by the numbers that it gives them.
    private var remote: InternetAddress
    private var addresses: PeerAddresses
    private let handshake: EstablishedHandshake
    private let listener: HandshakeListener?
    /// A session that the same peer has opened since. It has lost this one.
    private(set) var successor: HandshakeListener.Opened?
    private var output = [UInt8](repeating: 0, count: 65_507)
    /// What the socket had no room for.
    private var unsent: Range<Int>?
    private var segment = 0
    private var destination: InternetAddress
    /// Nil is no limit.
    var rateLimit: RateLimit?
    private var repeatAt: Instant
    private var repeatPause: Int64 = 250_000_000

    init(
        _ session: consuming Session<Content>,
        _ handshake: EstablishedHandshake,
        on socket: consuming PacketSocket,
        buffers: consuming ReceiveBuffers,
        to remote: InternetAddress,
        listener: HandshakeListener?,
        wakeUp: WakeUp?
    ) {
        self.session = session
        self.handshake = handshake
        poll = PollSet(wakeUp)
        place = poll.add(socket)
        self.socket = socket
        self.buffers = consume buffers
        self.remote = remote
        addresses = PeerAddresses(remote)
        self.listener = listener
        destination = remote
        repeatAt = .now
    }

    /// Sends and receives once, and waits for arrivals or until it is time for something, at most until `limit`.
    private mutating func step(until limit: Instant) throws(SystemError) {
        var now = Instant.now
        session.timeout(now: now)
        if session.content.hasWork { session.content.work() }
        repeatMessage3(now)
        let wasOpen = session.end == nil
        let outcome = sendRuns(now)
        // The end went out just now: there is nothing to wait for.
        if wasOpen, session.end != nil { return }
        poll.awaitRoom(place, outcome == .blocked)
        now = .now
        var deadline = limit
        if let own = session.nextDeadline(now: now), own < deadline { deadline = own }
        if !session.hasReceived, !handshake.reply.isEmpty, repeatAt < deadline { deadline = repeatAt }
        if outcome == .more { deadline = now }
        // What is due now waits, too.
        if outcome == .limited, let next = rateLimit?.next { deadline = min(limit, next) }
        _ = try poll.wait(until: deadline.nanoseconds)
        if poll.hasArrivals(place) { try receive() }
    }

    /// Moves packets until the session has ended and the peer knows.
    ///
    /// - Parameters:
    ///   - reason: what the peer learns if another thread signals.
    ///   - each: called after each step.
    mutating func run(onCancel reason: String, _ each: (inout Session<Content>) throws -> Void) throws {
        while session.end == nil, successor == nil {
            try step(until: .now + 100_000_000)
            if poll.isWoken {
                session.close(.canceled, reason)
                try step(until: .now)
                throw CancellationError()
            }
            try each(&session)
        }
        try linger()
    }

    /// Answers what still comes after the end, for a few round trips and at most half a second: the peer's copy of
    /// CLOSE may be lost.
    private mutating func linger() throws(SystemError) {
        guard case .closed = session.end else { return }
        let end = Instant.now + min(500_000_000, 3 * max(session.roundTripTime, 5_000_000))
        while Instant.now < end, !poll.isWoken { try step(until: end) }
    }

    /// The socket, for the next session.
    consuming func finish() -> PacketSocket { socket }

    /// The peer's next session, on the same socket.
    consuming func proceed(with next: HandshakeListener.Opened) throws -> EstablishedEnd {
        guard let listener else { preconditionFailure("only a responder has a next session") }
        let buffers = try self.buffers.take() ?? ReceiveBuffers(capacity: EstablishedEnd.runs)
        return EstablishedEnd(next, on: socket, buffers: buffers, listener: listener)
    }

    private mutating func repeatMessage3(_ now: Instant) {
        guard !handshake.reply.isEmpty, !session.hasReceived, now >= repeatAt else { return }
        let reply = handshake.reply
        // An array of bytes, read as bytes.
        _ = unsafe socket.send(reply.span.bytes, segment: 0, to: remote)
        repeatAt = now + repeatPause
        repeatPause *= 2
    }

    private enum SendOutcome { case done, more, blocked, limited }

    private mutating func sendRuns(_ now: Instant) -> SendOutcome {
        // Taken out meanwhile, because a span of it keeps all of this value from other use.
        var output: [UInt8] = []
        swap(&output, &self.output)
        defer { swap(&output, &self.output) }
        for _ in 0..<Self.runsAtOnce {
            if unsent == nil {
                guard rateLimit?.admits(now) ?? true else {
                    session.holdBack(now: now)
                    return .limited
                }
                var span = output.mutableSpan
                // Every bit pattern is a valid byte.
                var bytes = unsafe span.mutableBytes
                let room = min(bytes.byteCount, rateLimit?.longestRun ?? bytes.byteCount)
                var place = bytes._mutatingExtracting(first: room)
                guard let run = session.send(into: &place, now: now) else { return .done }
                unsent = 0..<run.length
                segment = run.segment
                destination = addresses[run.path]
            }
            guard let rest = unsent else { continue }
            // An array of bytes, read as bytes.
            let result = unsafe socket.send(
                output.span.bytes.extracting(rest),
                segment: segment,
                to: destination
            )
            unsent = nil
            rateLimit?.sent(rest.count)
            if result.obstacle == .wouldBlock {
                unsent = rest.lowerBound + result.datagrams * segment..<rest.upperBound
                return .blocked
            }
            // Any other obstacle is a loss, which is repaired as one.
            if result.obstacle == .tooLarge { session.wasTooLarge(min(segment, rest.count)) }
        }
        return .more
    }

    private mutating func receive() throws(SystemError) {
        guard var buffers = self.buffers.take() else { return }
        do throws(SystemError) {
            let count = try socket.receive(into: &buffers)
            process(&buffers, count)
        } catch {
            self.buffers = consume buffers
            throw error
        }
        self.buffers = consume buffers
    }

    private mutating func process(_ buffers: inout ReceiveBuffers, _ count: Int) {
        let now = Instant.now
        for index in 0..<count {
            guard buffers.source(index) == remote else {
                receiveFromOther(&buffers, index, now)
                continue
            }
            let segment = buffers.segment(index)
            if ConnectionID(of: buffers.bytes(index)) == handshake.message3ID {
                session.repeatedHandshake()
                continue
            }
            var bytes = buffers.mutableBytes(index)
            session.receive(&bytes, segment: segment, now: now)
        }
    }

    /// Datagrams from an address that is not the session's: from its peer, perhaps, whose address has changed.
    private mutating func receiveFromOther(_ buffers: inout ReceiveBuffers, _ index: Int, _ now: Instant) {
        if let source = buffers.source(index), let id = ConnectionID(of: buffers.bytes(index)), session.receives(id) {
            let arrival = PathArrival(
                id: addresses.number(of: source) { session.holds(path: $0) },
                isSameHost: source.host == remote.host
            )
            let segment = buffers.segment(index)
            var bytes = buffers.mutableBytes(index)
            guard let kept = session.receive(&bytes, segment: segment, from: arrival, now: now) else { return }
            addresses[kept] = source
            if kept == session.currentPath { follow(source) }
            return
        }
        guard let listener, let opened = listener.receive(buffers, index, on: &socket) else { return }
        if opened.handshake.peer == handshake.peer {
            successor = opened
        } else {
            let reason = "it is busy with another machine; try again later"
            listener.turnAway(opened, .busy, reason, on: &socket)
        }
    }
}

extension SessionDriver where Content: ~Copyable {
    /// The session's peer is at another address now.
    private mutating func follow(_ address: InternetAddress) {
        let isSameHost = address.host == remote.host
        remote = address
        if !isSameHost { session.routeTakes(EstablishedEnd.datagramSize(to: address)) }
    }
}

extension Instant {
    /// That of the kernel's monotonic clock.
    static var now: Instant { Instant(nanoseconds: KernelClock.monotonic) }
}
