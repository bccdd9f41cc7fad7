internal import FileTransfer
internal import Identity
internal import PacketIO

/// Answers handshakes that arrive on a socket, before and beside a session. For one thread.
final class HandshakeListener {
    /// A session that another host has opened.
    struct Opened {
        let handshake: EstablishedHandshake
        let source: InternetAddress
    }

    /// The reason that a machine gets when it must wait.
    static let busy = "it is busy with another machine; try again later"

    let parameters: SessionParameters
    /// Whether a peer may have a session; asked when its handshake is done.
    var admits: @Sendable (EndpointID) -> Bool = { _ in true }
    private var responder: HandshakeResponder

    init(identity: IdentityKey, contactSecret: [UInt8], parameters: SessionParameters) {
        self.parameters = parameters
        responder = HandshakeResponder(
            identity: identity,
            contactSecret: contactSecret,
            parameters: parameters,
            now: .now
        )
    }

    /// Reads the datagrams of a run, and answers them. Returns the first session of an admitted peer that they open.
    func receive(_ buffers: borrowing ReceiveBuffers, _ index: Int, on socket: inout PacketSocket) -> Opened? {
        guard let source = buffers.source(index) else { return nil }
        let segment = buffers.segment(index)
        let bytes = [UInt8](buffers.bytes(index))
        for start in stride(from: 0, to: bytes.count, by: max(1, segment)) {
            let datagram = Array(bytes[start..<min(start + max(1, segment), bytes.count)])
            switch responder.receive(datagram, from: source.source, .now) {
            case .ignored: break
            // An array of bytes, read as bytes.
            case .send(let reply): _ = unsafe socket.send(reply.span.bytes, segment: 0, to: source)
            case .established(let handshake):
                let opened = Opened(handshake: handshake, source: source)
                if admits(handshake.peer) { return opened }
                turnAway(
                    opened,
                    .refused,
                    "it does not admit this machine; its owner can, with `courier peer trust`",
                    on: &socket
                )
            }
        }
        return nil
    }

    /// Tells a host that its session is not wanted, once. If that is lost, the host sees only silence.
    func turnAway(_ opened: Opened, _ code: CloseCode, _ reason: String, on socket: inout PacketSocket) {
        var session = Session(
            opened.handshake,
            parameters: parameters,
            content: NoContent(),
            datagramSize: EstablishedEnd.smallestDatagram,
            now: .now
        )
        session.close(code, reason)
        var output = [UInt8](repeating: 0, count: EstablishedEnd.smallestDatagram)
        var span = output.mutableSpan
        // Every bit pattern is a valid byte.
        var bytes = unsafe span.mutableBytes
        guard let run = session.send(into: &bytes, now: .now) else { return }
        _ = unsafe socket.send(output.span.bytes.extracting(first: run.length), segment: 0, to: opened.source)
    }
}
