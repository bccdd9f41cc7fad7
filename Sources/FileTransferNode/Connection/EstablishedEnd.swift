internal import FileTransfer
internal import PacketIO

/// This machine's end of a session whose handshake is done, with the socket of both.
struct EstablishedEnd: ~Copyable {
    /// Runs that one call receives.
    static let runs = 32
    static let smallestDatagram = 1_200
    /// Nanoseconds of one step, after which what has arrived is read before the peer's silence counts: the disk was
    /// slow.
    static let longStep: Int64 = 500_000_000

    var socket: PacketSocket
    var buffers: ReceiveBuffers
    let handshake: EstablishedHandshake
    let remote: InternetAddress
    let parameters: SessionParameters
    /// Answers other hosts meanwhile; nil at the initiator.
    let listener: HandshakeListener?

    /// Begins the session, on a socket of its own.
    consuming func session<Content: SessionContent & ~Copyable>(
        carrying content: consuming Content,
        congestion: CongestionControl.Algorithm = .cubic,
        wakeUp: WakeUp
    ) -> SessionDriver<Content> {
        let transport = SessionTransport(
            handshake,
            parameters: parameters,
            carrying: content,
            congestion: congestion,
            to: remote,
            room: SessionDriver<Content>.room
        )
        return SessionDriver(transport, on: socket, buffers: buffers, listener: listener, wakeUp: wakeUp)
    }

    /// Bytes of a datagram that this machine's route takes.
    static func datagramSize(to remote: InternetAddress) -> Int {
        let mtu = (try? PacketSocket.pathMTU(to: remote)) ?? 1_280
        let headers = remote.host.isIPv4 ? 28 : 48
        return min(max(mtu - headers, smallestDatagram), SessionParameters.largestDatagram)
    }
}

extension SessionTransport where Content: ~Copyable {
    /// Begins a session.
    init(
        _ handshake: EstablishedHandshake,
        parameters: SessionParameters,
        carrying content: consuming Content,
        congestion: CongestionControl.Algorithm = .cubic,
        to remote: InternetAddress,
        room: Int
    ) {
        let session = Session(
            handshake,
            parameters: parameters,
            content: content,
            datagramSize: EstablishedEnd.datagramSize(to: remote),
            congestion: congestion,
            now: .now
        )
        self.init(session, handshake, to: remote, room: room)
    }
}
