internal import FileTransfer
internal import PacketIO
internal import SystemErrors

/// Moves packets between a session and its own socket, on the calling thread.
struct SessionDriver<Content: SessionContent & ~Copyable>: ~Copyable {
    /// Bytes of the longest run: those of the longest datagram.
    static var room: Int { 65_507 }

    private var transport: SessionTransport<Content>
    private var socket: PacketSocket
    /// Nil while what they hold is processed.
    private var buffers: ReceiveBuffers?
    private var poll: PollSet
    private let place: Int
    private let listener: HandshakeListener?
    private var lastStep = Instant.now
    /// A session that the same peer has opened since. It has lost this one.
    private(set) var successor: HandshakeListener.Opened?

    init(
        _ transport: consuming SessionTransport<Content>,
        on socket: consuming PacketSocket,
        buffers: consuming ReceiveBuffers,
        listener: HandshakeListener?,
        wakeUp: WakeUp?
    ) {
        self.transport = transport
        poll = PollSet(wakeUp)
        place = poll.add(socket)
        self.socket = socket
        self.buffers = consume buffers
        self.listener = listener
    }

    var session: Session<Content> {
        _read { yield transport.session }
        _modify { yield &transport.session }
    }

    /// Nil is no limit.
    var rateLimit: RateLimit? {
        get { transport.rateLimit }
        set { transport.rateLimit = newValue }
    }

    /// Sends and receives once, and waits for arrivals or until it is time for something, at most until `limit`.
    private mutating func step(until limit: Instant) throws(SystemError) {
        let wasOpen = session.end == nil
        if .now - lastStep > EstablishedEnd.longStep { try receive() }
        transport.advance(on: &socket, now: .now)
        // The end went out just now: there is nothing to wait for.
        if wasOpen, session.end != nil { return }
        poll.awaitRoom(place, transport.outcome == .blocked)
        let deadline = transport.deadline(until: limit, now: .now)
        _ = try poll.wait(until: deadline.nanoseconds)
        lastStep = .now
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
                try leave(reason)
                throw CancellationError()
            }
            try each(&session)
        }
        try linger()
    }

    /// Sends CLOSE, as soon as the socket has room.
    private mutating func leave(_ reason: String) throws(SystemError) {
        session.close(.canceled, reason)
        let end = Instant.now + 100_000_000
        while session.end == nil, Instant.now < end { try step(until: end) }
    }

    /// Answers what still comes after the end, for a few round trips and at most half a second: the peer's copy of
    /// CLOSE may be lost.
    private mutating func linger() throws(SystemError) {
        guard case .closed = session.end else { return }
        let end = Instant.now + session.lingerTime
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
        for index in 0..<count where !transport.receive(&buffers, index, now: now) {
            guard let listener, let opened = listener.receive(buffers, index, on: &socket) else { continue }
            if opened.handshake.peer == transport.handshake.peer {
                successor = opened
            } else {
                listener.turnAway(opened, .busy, HandshakeListener.busy, on: &socket)
            }
        }
    }
}

extension Instant {
    /// That of the kernel's monotonic clock.
    static var now: Instant { Instant(nanoseconds: KernelClock.monotonic) }
}
