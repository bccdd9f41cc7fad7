internal import FileTransfer
internal import Identity
internal import PacketIO
internal import SystemErrors

/// Waits for a session on a socket.
struct Responder: ~Copyable {
    var socket: PacketSocket
    var buffers: ReceiveBuffers
    let handshake: EstablishedHandshake
    let remote: InternetAddress
    let parameters: SessionParameters

    init(
        _ socket: consuming PacketSocket,
        identity: IdentityKey,
        contactSecret: [UInt8],
        wakeUp: WakeUp
    ) throws {
        var buffers = try ReceiveBuffers(capacity: 32)
        let parameters = SessionParameters(of: socket)
        var responder = HandshakeResponder(
            identity: identity,
            contactSecret: contactSecret,
            parameters: parameters,
            now: .now
        )
        var poll = PollSet(wakeUp)
        let place = poll.add(socket)
        while true {
            _ = try poll.wait(until: nil)
            if poll.isWoken { throw CancellationError() }
            guard poll.hasArrivals(place) else { continue }
            for index in 0..<(try socket.receive(into: &buffers)) {
                guard let source = buffers.source(index) else { continue }
                let segment = buffers.segment(index)
                let run = [UInt8](buffers.bytes(index))
                for start in stride(from: 0, to: run.count, by: max(1, segment)) {
                    let datagram = Array(run[start..<min(start + max(1, segment), run.count)])
                    switch responder.receive(datagram, from: source.source, .now) {
                    case .ignored: break
                    case .send(let reply): _ = unsafe socket.send(reply.span.bytes, segment: 0, to: source)
                    case .established(let handshake):
                        self.socket = socket
                        self.buffers = buffers
                        self.handshake = handshake
                        remote = source
                        self.parameters = parameters
                        return
                    }
                }
            }
        }
    }

    /// Begins the session.
    consuming func session<Content: SessionContent & ~Copyable>(
        carrying content: consuming Content,
        wakeUp: WakeUp
    ) -> SessionDriver<Content> {
        var session = Session(
            handshake,
            parameters: parameters,
            content: content,
            datagramSize: Initiator.datagramSize(to: remote),
            now: .now
        )
        // The peer learns that its message 3 arrived.
        session.repeatedHandshake()
        return SessionDriver(session, handshake, on: socket, buffers: buffers, to: remote, wakeUp: wakeUp)
    }
}
