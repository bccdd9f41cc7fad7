internal import FileTransfer
internal import PacketIO
internal import SystemErrors

/// A socket for each address family of a host's addresses.
struct CandidateSockets: ~Copyable {
    private let addresses: [InternetAddress]
    private var ipv4: PacketSocket?
    private var ipv6: PacketSocket?
    /// What this end says about itself.
    private(set) var parameters = SessionParameters()

    /// A family that this machine lacks is left out, unless there is no other.
    init(to addresses: [InternetAddress], in poll: inout PollSet) throws(SystemError) {
        self.addresses = addresses
        ipv4 = nil
        ipv6 = nil
        var failure: SystemError?
        for any in [InternetHost.anyIPv4, .anyIPv6] where addresses.contains(where: { $0.host.isIPv4 == any.isIPv4 }) {
            do throws(SystemError) { try open(any, in: &poll) } catch { failure = error }
        }
        if let failure, ipv4 == nil, ipv6 == nil { throw failure }
    }

    private mutating func open(_ any: InternetHost, in poll: inout PollSet) throws(SystemError) {
        let socket = try PacketSocket(InternetAddress(any, port: 0))
        _ = poll.add(socket)
        parameters = SessionParameters(of: socket)
        if any.isIPv4 { ipv4 = consume socket } else { ipv6 = consume socket }
    }

    /// Sends a datagram to every address. What the network refuses counts as lost.
    mutating func send(_ datagram: [UInt8]) {
        for address in addresses {
            // An array of bytes, read as bytes.
            let bytes = datagram.span
            if address.host.isIPv4 {
                _ = unsafe ipv4?.send(bytes.bytes, segment: 0, to: address)
            } else {
                _ = unsafe ipv6?.send(bytes.bytes, segment: 0, to: address)
            }
        }
    }

    /// Receives what has arrived at the socket of a family; 0 if there is none.
    mutating func receive(isIPv4: Bool, into buffers: inout ReceiveBuffers) throws(SystemError) -> Int {
        isIPv4 ? try ipv4?.receive(into: &buffers) ?? 0 : try ipv6?.receive(into: &buffers) ?? 0
    }

    /// The socket of a family that something has arrived at.
    mutating func take(isIPv4: Bool) -> PacketSocket {
        guard let socket = isIPv4 ? ipv4.take() : ipv6.take() else { preconditionFailure("nothing came from there") }
        return socket
    }
}
