internal import Cryptography
internal import FileTransfer
internal import Identity
internal import PacketIO
internal import SystemErrors

/// Opens a session with a host whose address is known.
enum Initiator {
    /// Tries all addresses at once, and goes on with the one that answers first.
    static func open(_ contact: PeerContact, identity: IdentityKey, wakeUp: WakeUp) throws -> EstablishedEnd {
        guard !contact.addresses.isEmpty else {
            throw TransferError(.network, "the ticket has no address; ask for another one")
        }
        var poll = PollSet(wakeUp)
        var sockets = try CandidateSockets(to: contact.addresses, in: &poll)
        var buffers = try ReceiveBuffers(capacity: EstablishedEnd.runs)
        let parameters = sockets.parameters
        var initiator = HandshakeInitiator(
            identity: identity,
            peer: contact.endpointID,
            contactSecret: contact.contactSecret,
            parameters: parameters,
            now: .now
        )
        while true {
            do throws(HandshakeFailure) {
                if let message = try initiator.poll(.now) { sockets.send(message) }
            } catch { throw Self.failure(error, contact.addresses) }
            _ = try poll.wait(until: initiator.nextDeadline.nanoseconds)
            if poll.isWoken { throw CancellationError() }
            for isIPv4 in [true, false] {
                for index in 0..<(try sockets.receive(isIPv4: isIPv4, into: &buffers)) {
                    guard let source = buffers.source(index), contact.addresses.contains(source) else { continue }
                    let datagram = [UInt8](buffers.bytes(index))
                    do throws(HandshakeFailure) {
                        guard let established = try initiator.receive(datagram) else { continue }
                        return EstablishedEnd(
                            socket: sockets.take(isIPv4: isIPv4),
                            buffers: buffers,
                            handshake: established,
                            remote: source,
                            parameters: parameters,
                            listener: nil
                        )
                    } catch { throw Self.failure(error, contact.addresses) }
                }
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
