internal import FileTransfer
internal import PacketIO

/// A session, and what it sends and receives on a socket that it may share with others. For one thread.
struct SessionTransport<Content: SessionContent & ~Copyable>: ~Copyable {
    /// Runs that are sent before arrivals are looked at again.
    private static var runsAtOnce: Int { 4 }

    enum SendOutcome { case done, more, blocked, limited }

    var session: Session<Content>
    let handshake: EstablishedHandshake
    /// The session's address, and all that it keeps, by the numbers that it gives them.
    private(set) var remote: InternetAddress
    private var addresses: PeerAddresses
    private var output: [UInt8]
    /// What the socket had no room for.
    private var unsent: Range<Int>?
    private var segment = 0
    private var destination: InternetAddress
    /// Nil is no limit.
    var rateLimit: RateLimit?
    private var repeatAt: Instant
    private var repeatPause: Int64 = 250_000_000
    /// What became of the last attempt to send.
    private(set) var outcome = SendOutcome.done

    /// - Parameter room: bytes of the longest run that is sent at once; at least those of the largest datagram.
    init(
        _ session: consuming Session<Content>,
        _ handshake: EstablishedHandshake,
        to remote: InternetAddress,
        room: Int
    ) {
        self.session = session
        self.handshake = handshake
        self.remote = remote
        addresses = PeerAddresses(remote)
        output = [UInt8](repeating: 0, count: room)
        destination = remote
        repeatAt = .now
    }

    // MARK: Sending

    /// Does what is due, and sends what may go now.
    mutating func advance(on socket: inout PacketSocket, now: Instant) {
        session.timeout(now: now)
        if session.content.hasWork, session.end == nil, !session.isClosing { session.content.work() }
        repeatMessage3(on: &socket, now)
        outcome = sendRuns(on: &socket, now)
    }

    /// When ``advance(on:now:)`` has something to do, at the latest at `limit`.
    mutating func deadline(until limit: Instant, now: Instant) -> Instant {
        switch outcome {
        case .more: return now
        // What is due now waits, too.
        case .limited: if let next = rateLimit?.next { return min(limit, next) }
        case .done, .blocked: break
        }
        var deadline = limit
        if let own = session.nextDeadline(now: now), own < deadline { deadline = own }
        if !session.hasReceived, !handshake.reply.isEmpty, repeatAt < deadline { deadline = repeatAt }
        return deadline
    }

    private mutating func repeatMessage3(on socket: inout PacketSocket, _ now: Instant) {
        guard !handshake.reply.isEmpty, !session.hasReceived, now >= repeatAt else { return }
        let reply = handshake.reply
        // An array of bytes, read as bytes.
        _ = unsafe socket.send(reply.span.bytes, segment: 0, to: remote)
        repeatAt = now + repeatPause
        repeatPause *= 2
    }

    private mutating func sendRuns(on socket: inout PacketSocket, _ now: Instant) -> SendOutcome {
        // Taken out meanwhile, because a span of it keeps all of this value from other use.
        var output: [UInt8] = []
        swap(&output, &self.output)
        defer { swap(&output, &self.output) }
        for _ in 0..<Self.runsAtOnce {
            if unsent == nil {
                // The end does not wait.
                guard session.isClosing || rateLimit?.admits(now) ?? true else {
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

    // MARK: Receiving

    /// Whether a datagram with this connection ID is the session's.
    func takes(_ id: ConnectionID) -> Bool { session.receives(id) || id == handshake.message3ID }

    /// Takes a run of datagrams if it is the session's.
    mutating func receive(_ buffers: inout ReceiveBuffers, _ index: Int, now: Instant) -> Bool {
        guard buffers.source(index) == remote else { return receiveFromOther(&buffers, index, now) }
        let segment = buffers.segment(index)
        if ConnectionID(of: buffers.bytes(index)) == handshake.message3ID {
            session.repeatedHandshake()
            return true
        }
        var bytes = buffers.mutableBytes(index)
        session.receive(&bytes, segment: segment, now: now)
        return true
    }

    /// Datagrams from an address that is not the session's: from its peer, perhaps, whose address has changed.
    private mutating func receiveFromOther(_ buffers: inout ReceiveBuffers, _ index: Int, _ now: Instant) -> Bool {
        guard let source = buffers.source(index), let id = ConnectionID(of: buffers.bytes(index)), session.receives(id)
        else { return false }
        let arrival = PathArrival(
            id: addresses.number(of: source) { session.holds(path: $0) },
            isSameHost: source.host == remote.host
        )
        let segment = buffers.segment(index)
        var bytes = buffers.mutableBytes(index)
        guard let kept = session.receive(&bytes, segment: segment, from: arrival, now: now) else { return true }
        addresses[kept] = source
        if kept == session.currentPath { follow(source) }
        return true
    }
}

extension SessionTransport where Content: ~Copyable {
    /// The session's peer is at another address now.
    private mutating func follow(_ address: InternetAddress) {
        let isSameHost = address.host == remote.host
        remote = address
        if !isSameHost { session.routeTakes(EstablishedEnd.datagramSize(to: address)) }
    }
}
