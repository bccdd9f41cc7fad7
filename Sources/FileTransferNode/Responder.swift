internal import FileTransfer
internal import Identity
internal import PacketIO
internal import SystemErrors

/// Waits for a session on a socket.
enum Responder {
    static func open(
        _ socket: consuming PacketSocket,
        identity: IdentityKey,
        contactSecret: [UInt8],
        wakeUp: WakeUp
    ) throws -> EstablishedEnd {
        var buffers = try ReceiveBuffers(capacity: EstablishedEnd.runs)
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
                        return EstablishedEnd(
                            socket: socket,
                            buffers: buffers,
                            handshake: handshake,
                            remote: source,
                            parameters: parameters
                        )
                    }
                }
            }
        }
    }
}
