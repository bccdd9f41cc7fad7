internal import Cryptography
internal import FileTransfer
internal import Identity
internal import PacketIO
internal import SystemErrors

/// Opens a session with a host whose ticket is known.
enum Initiator {
    /// Tries all addresses of the ticket that have the family of its first one.
    static func open(_ ticket: Ticket, identity: IdentityKey, wakeUp: WakeUp) throws -> EstablishedEnd {
        guard let first = ticket.addresses.first.map(InternetAddress.init) else {
            throw TransferError(.network, "the ticket has no address; ask for another one")
        }
        let candidates = ticket.addresses.map(InternetAddress.init).filter { $0.host.isIPv4 == first.host.isIPv4 }
        var socket = try PacketSocket(InternetAddress(first.host.isIPv4 ? .anyIPv4 : .anyIPv6, port: 0))
        var buffers = try ReceiveBuffers(capacity: EstablishedEnd.runs)
        let parameters = SessionParameters(of: socket)
        var initiator = HandshakeInitiator(
            identity: identity,
            peer: ticket.endpointID,
            contactSecret: ticket.contactSecret,
            parameters: parameters,
            now: .now
        )
        var poll = PollSet(wakeUp)
        _ = poll.add(socket)
        while true {
            do throws(HandshakeFailure) {
                if let message = try initiator.poll(.now) {
                    for address in candidates { _ = unsafe socket.send(message.span.bytes, segment: 0, to: address) }
                }
            } catch { throw Self.failure(error, candidates) }
            _ = try poll.wait(until: initiator.nextDeadline.nanoseconds)
            if poll.isWoken { throw CancellationError() }
            for index in 0..<(try socket.receive(into: &buffers)) {
                guard let source = buffers.source(index), candidates.contains(source) else { continue }
                let datagram = [UInt8](buffers.bytes(index))
                do throws(HandshakeFailure) {
                    guard let established = try initiator.receive(datagram) else { continue }
                    return EstablishedEnd(
                        socket: socket,
                        buffers: buffers,
                        handshake: established,
                        remote: source,
                        parameters: parameters,
                        listener: nil
                    )
                } catch { throw Self.failure(error, candidates) }
            }
        }
    }

    private static func failure(_ failure: HandshakeFailure, _ candidates: [InternetAddress]) -> TransferError {
        guard failure == .unanswered else { return TransferError(.peer, failure.description) }
        let places = candidates.map { "UDP \($0)" }.joined(separator: ", ")
        return TransferError(
            .network,
            "no answer from \(places) in 10 s: check that courier runs there, that the ticket is its current one, and that "
                + "no firewall on the way drops UDP to this port"
        )
    }
}

extension SessionParameters {
    /// What an end with this socket says about itself.
    init(of socket: borrowing PacketSocket) {
        self.init()
        if RecordCipher.Algorithm.aes256GCM.isFast { suites.append(.aes256GCM) }
        maximumDatagram = Self.largestDatagram
        sessionCredit = Self.creditWindow
        receiveBuffer = UInt32(clamping: socket.receiveBuffer / 2)
    }
}
