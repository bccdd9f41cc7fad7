internal import FileTransfer
internal import Identity
internal import PacketIO
internal import SystemErrors

/// Waits for a session on a socket.
enum Responder {
    static func open(
        _ bound: consuming PacketSocket,
        listener: HandshakeListener,
        wakeUp: WakeUp
    ) throws -> EstablishedEnd {
        var socket = bound
        var buffers = try ReceiveBuffers(capacity: EstablishedEnd.runs)
        var poll = PollSet(wakeUp)
        let place = poll.add(socket)
        while true {
            _ = try poll.wait(until: nil)
            if poll.isWoken { throw CancellationError() }
            guard poll.hasArrivals(place) else { continue }
            for index in 0..<(try socket.receive(into: &buffers)) {
                guard let opened = listener.receive(buffers, index, on: &socket) else { continue }
                return EstablishedEnd(opened, on: socket, buffers: buffers, listener: listener)
            }
        }
    }
}

extension EstablishedEnd {
    init(
        _ opened: HandshakeListener.Opened,
        on socket: consuming PacketSocket,
        buffers: consuming ReceiveBuffers,
        listener: HandshakeListener
    ) {
        self.init(
            socket: socket,
            buffers: buffers,
            handshake: opened.handshake,
            remote: opened.source,
            parameters: listener.parameters,
            listener: listener
        )
    }
}
