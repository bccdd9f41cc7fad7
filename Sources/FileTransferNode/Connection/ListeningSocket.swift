internal import Cryptography
internal import FileTransfer
internal import Identity
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// A socket at which other hosts open sessions, one after the other.
final class ListeningSocket: Sendable {
    let identity: IdentityKey
    let address: InternetAddress
    private let admission: Admission
    private let contactSecret: [UInt8]
    /// Nil while a session has it.
    private let socket: Mutex<PacketSocket?>

    init(_ address: InternetAddress, admitting admission: Admission, identity: IdentityKey) throws {
        let socket = try PacketSocket(address)
        self.identity = identity
        self.address = socket.address
        self.socket = Mutex(socket)
        self.admission = admission
        contactSecret =
            switch admission {
            case .ticket: [UInt8](randomCount: 16)
            case .peers: []
            }
    }

    /// Where other hosts find this socket.
    ///
    /// - Parameter hosts: the addresses of this machine, if the socket is bound to all of them.
    func addresses(hosts: [InternetHost]) -> [InternetAddress] {
        let all = address.host.isAny ? hosts.filter { $0.isIPv4 == address.host.isIPv4 } : [address.host]
        return all.map { InternetAddress($0, port: address.port) }
    }

    /// Whether other hosts must know more than this machine's Endpoint ID.
    var needsTicket: Bool { !contactSecret.isEmpty }

    /// The ticket with which another host finds this socket.
    func ticket(hosts: [InternetHost]) -> Ticket {
        Ticket(
            endpointID: identity.endpointID,
            contactSecret: contactSecret,
            addresses: addresses(hosts: hosts).map { Ticket.Address($0) }
        )
    }

    /// The socket, for one session or more.
    func take() throws(SystemError) -> PacketSocket {
        if let socket = socket.withLock({ $0.take() }) { return socket }
        // A failure before the last session began has closed it.
        return try PacketSocket(address)
    }

    /// What answers handshakes on the socket.
    func listener(for socket: borrowing PacketSocket) -> HandshakeListener {
        let listener = HandshakeListener(
            identity: identity,
            contactSecret: contactSecret,
            parameters: SessionParameters(of: socket)
        )
        if case .peers(let admits) = admission { listener.admits = admits }
        return listener
    }

    /// Waits for a session.
    func accept(wakeUp: WakeUp) throws -> EstablishedEnd {
        let socket = try take()
        let listener = listener(for: socket)
        return try Responder.open(socket, listener: listener, wakeUp: wakeUp)
    }

    /// Frees the port.
    func close() { socket.withLock { $0 = nil } }

    /// Takes the socket back from a session that is over.
    func put(_ socket: consuming PacketSocket) {
        var kept: PacketSocket? = socket
        self.socket.withLock { swap(&$0, &kept) }
    }
}
