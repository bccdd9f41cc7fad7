internal import FileTransfer
internal import Identity
internal import PacketIO

/// A session with a sender, beside others on one socket. For one thread.
final class ReceivingSession {
    /// Bytes of a run: a receiver sends single datagrams.
    private static let room = SessionParameters.largestDatagram

    /// Tells it from those before it.
    let number: UInt64
    /// Tells it from those that run at the same time.
    let place: Int
    var transport: SessionTransport<FileReceiver>
    var reception: OfferReception
    /// The first parts of the paths that it receives, once it has been asked about.
    private(set) var names: Set<[UInt8]> = []
    private let began = Instant.now
    private var hasLeft = false
    /// Until then it answers what still comes: the peer's copy of CLOSE may be lost.
    private var lingersUntil: Instant?

    init(
        _ opened: HandshakeListener.Opened,
        parameters: SessionParameters,
        number: UInt64,
        place: Int,
        into sink: DiskSink,
        signer: ReceiptSigner,
        ask: @escaping TransferQuestion
    ) {
        self.number = number
        self.place = place
        reception = OfferReception(number, from: opened.handshake.peer, into: sink, ask: ask)
        transport = SessionTransport(
            opened.handshake,
            parameters: parameters,
            carrying: FileReceiver(into: sink, signer: signer),
            to: opened.source,
            room: Self.room
        )
    }

    var peer: EndpointID { reception.peer }
    var sink: DiskSink { reception.sink }
    var isEnded: Bool { transport.session.end != nil }
    /// Whether it has offered anything.
    var wasOffered: Bool { !names.isEmpty }
    /// Whether it had time to offer something, and has not begun to.
    func isIdle(for nanoseconds: Int64, now: Instant) -> Bool {
        !wasOffered && transport.session.content.name.isEmpty && now - began >= nanoseconds
    }

    var isFinished: Bool { transport.session.content.state == .finished }
    /// It receives nothing, whatever it was offered.
    var isRefused: Bool { transport.session.content.state == .refused }

    /// Whether nothing came for so long after a keep-alive was due.
    func isSilent(for nanoseconds: Int64, now: Instant) -> Bool {
        now - transport.session.lastReceived >= transport.session.idleTimeout / 3 + nanoseconds
    }

    var progress: TransferProgress { transport.session.content.progress }

    /// Whether the offer is there, and was not asked about.
    var isNew: Bool { !isEnded && reception.isNew(transport.session.content) }

    /// Notes what the offer is about, before it is asked about.
    func noteNames() {
        var last: ArraySlice<UInt8> = []
        for entry in transport.session.content.entries {
            let name = entry.path.prefix { $0 != UInt8(ascii: "/") }
            // Entries come folder by folder.
            if name != last { names.insert(Array(name)) }
            last = name
        }
    }

    func advance() {
        if isEnded || hasLeft { leave() } else { reception.advance(&transport.session) }
    }

    /// Its place is another one's now.
    func leave() {
        guard !hasLeft else { return }
        hasLeft = true
        sink.abandon()
    }

    func giveUpLingering(now: Instant) { lingersUntil = now }

    /// Whether there is nothing more to send or to answer.
    func isOver(now: Instant) -> Bool {
        guard let end = transport.session.end else { return false }
        guard case .closed = end else { return true }
        let until = lingersUntil ?? now + transport.session.lingerTime
        lingersUntil = until
        return now >= until
    }
}
